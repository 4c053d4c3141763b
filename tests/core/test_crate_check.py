# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from facewright.core.exchange.crate_check import is_whole
from pxr import Usd, UsdGeom


def test_a_layer_is_whole_or_not(tmp_path):
    path = tmp_path / "a.usdc"
    stage = Usd.Stage.CreateNew(str(path))
    for number in range(50):
        UsdGeom.Xform.Define(stage, f"/Prim{number}").AddTranslateOp().Set((number, 2, 3))
    stage.GetRootLayer().Save()
    assert is_whole(path)
    data = path.read_bytes()
    for length in (0, 7, 23, 100, len(data) // 2, len(data) - 8):
        path.write_bytes(data[:length])
        assert not is_whole(path), length
    path.write_bytes(b"#usda 1.0\n" * 100)
    assert not is_whole(path)
    assert not is_whole(tmp_path / "none.usdc")

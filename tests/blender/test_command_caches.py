# SPDX-License-Identifier: GPL-3.0-or-later
"""``facewright cache``: geometry caches without a window."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from cache_readers import read_maya
from cache_scenes import CM, caged, make_face


@pytest.fixture
def face(scene):
    return make_face(scene)


@pytest.fixture
def command(command):
    return partial(command, "cache")


def test_the_command_writes_caches(tmp_path, face, command):
    wanted = caged(face, range(7, 10), world=True) @ CM.T
    path = tmp_path / "顔 1.mcx"
    status, said, errors = command(
        "--out", path, "--mesh", "T*", "--start", 7, "--end", 9, "--world", "--neutral",
        "--channel", "headShape",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    assert "Done: Wrote 顔 1.mcx, 顔 1.xml, 顔 1_neutral.obj to" in said
    found = read_maya(tmp_path / "顔 1.xml")
    np.testing.assert_allclose(found.points, wanted, rtol=1e-5, atol=1e-4)
    assert found.more["channel"]["ChannelName"] == "headShape"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--out", "a.gif"], "its ending is none of .usdc, .mc, .mcx, .pc2, .mdd, .abc"),
        (["--out", "/nowhere/a.usdc"], "/nowhere does not exist"),
        (["--out", "a.usdc", "--mesh", "Nobody"], "has no object 'Nobody'"),
        (["--out", "a.usdc", "--mesh", "x*"], "No mesh is named like 'x*'"),
        (["--out", "a.pc2", "--y-up"], "--y-up is for .usdc only"),
        (["--out", "a.usdc", "--start", "9", "--end", "3"], "ends at frame 3"),
        (["--out", "a.usdc", "--fps", "x"], "frame rate x is wrong"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, monkeypatch, face, command, words, expected):
    monkeypatch.chdir(tmp_path)
    status, _said, errors = command(*words)
    assert status == 1
    assert expected in errors and len(errors.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []

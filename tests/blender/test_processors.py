# SPDX-License-Identifier: GPL-3.0-or-later
"""Processors in the preferences: which can be used, and the runtimes that they need."""

from __future__ import annotations

import importlib.machinery
import json
import sys
from pathlib import Path
from typing import Any

import bpy
import pytest


def test_the_list_of_processors_says_which_nobody_could_test(code, chosen):
    items = chosen.bl_rna.properties["device"].enum_items
    tested = {state.name for state in code("operators.processors").states() if state.tested}
    told = {item.identifier for item in items if "not tested" in item.description}
    assert told == {item.identifier for item in items} - tested - {"auto"}


def test_processors_are_tried(code, chosen, shown):
    processors = code("operators.processors")
    assert any("Not usable: only on macOS" in text for text in shown()) or sys.platform == "darwin"
    assert bpy.ops.facewright.processors_look() == {"FINISHED"}
    states = {state.name: state for state in processors.states()}
    assert states["cpu"].usable
    assert states["cpu"].tested
    assert not states["cuda"].usable
    assert states["cuda"].reason
    assert "Works here" in shown()
    assert processors.SEEN.free is None or processors.SEEN.free > 1 << 20


def test_a_runtime_is_found_where_it_was_put(code, chosen, shown, tmp_path):
    runtimes, known = code("scene.runtimes"), code("core.runtimes")
    assert runtimes.runtime_folder("cpu") is None
    assert runtimes.runtime_folder("cuda") is None
    assert runtimes.runtime_folder("auto") is None
    fetched = code("scene.places").user_folder("runtimes")
    for version in ("1.9.0", "1.31.1"):
        _make_runtime(fetched / f"cuda-{version}-{known.this_python()}", version, known)
    half = fetched / f"cuda-2.0-{known.this_python()}"
    _make_runtime(half, "2.0", known)
    (half / known.MARKER).unlink()
    newest = fetched / f"cuda-1.31.1-{known.this_python()}"
    assert runtimes.runtime_folder("cuda") == newest
    assert runtimes.runtime_folder("tensorrt") == newest
    assert runtimes.runtime_folder("auto") == newest
    assert runtimes.runtime_folder("directml") is None
    own = tmp_path / "own runtime"
    chosen.cuda_folder = str(own)
    assert runtimes.runtime_folder("cuda") is None
    _make_runtime(own, "1.0", known)
    assert runtimes.runtime_folder("cuda") == own
    chosen.property_unset("cuda_folder")
    if known.find_runtime("cuda"):
        assert "Delete" in shown()
        for left in ("cuda-1.9.0", None):
            assert bpy.ops.facewright.runtime_remove(name="cuda") == {"FINISHED"}
            found = runtimes.runtime_folder("cuda")
            assert found.name.startswith(left) if left else found is None, found


def _make_runtime(folder: Path, version: str, known: Any) -> None:
    end = importlib.machinery.EXTENSION_SUFFIXES[0]
    state = folder / "onnxruntime" / "capi" / f"onnxruntime_pybind11_state{end}"
    state.parent.mkdir(parents=True)
    state.touch()
    (folder / known.MARKER).write_text(json.dumps({"version": version}), "utf-8")


def test_a_runtime_needs_its_terms_accepted(code, chosen, monkeypatch):
    if code("core.runtimes").find_runtime("cuda") is None:
        pytest.skip("there is none for this computer")
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", True)
    if not bpy.app.online_access:
        pytest.skip("this Blender cannot be allowed to go online")
    with pytest.raises(RuntimeError, match="terms were not accepted"):
        bpy.ops.facewright.runtime_fetch(name="cuda")

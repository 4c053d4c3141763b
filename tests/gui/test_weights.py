# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights out and in by their buttons in a real window: in short steps, Esc, one undo step."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

TOO_LONG_S = 1.0  # for one step, also on a busy machine; measured are 0.03 to 0.07
KINDS = ("json", "json46", "usd", "metahuman_usd", "metahuman_json", "csv")


def script() -> driver.Steps:
    module = driver.install()
    steps_of = _timed(module)
    yield
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT")
        bpy.ops.facewright.animate()
    yield
    scene: Any = bpy.context.scene
    state = sys.modules[f"{module.__name__}.properties.progress"].STATE
    folder = Path(tempfile.mkdtemp(prefix="facewright-weights-"))
    scene.facewright.exports.directory = str(folder)
    scene.facewright.exports.file_name = "line"
    scene.frame_end = 40
    for kind in KINDS:
        setattr(scene.facewright.weights, kind, True)
    yield from _run("export_weights", state)
    assert len(list(folder.iterdir())) == len(KINDS), list(folder.iterdir())
    assert state.outcome.startswith("Wrote "), state.outcome
    driver.shot("weights_written")
    bpy.ops.ed.undo_push(message="before")
    actions = {action.name for action in bpy.data.actions}
    # One stands for all: the other kinds take the same steps, and are tested without a window
    name = "line_bsweight.usd"
    yield from _run("import_weights", state, filepath=str(folder / name))
    assert f"frames of {name}" in state.outcome, state.outcome
    assert {action.name for action in bpy.data.actions} - actions, "a new take"
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.ed.undo()
    yield
    assert {action.name for action in bpy.data.actions} == actions, "one step undoes it"
    longest = {name: round(max(times) * 1000, 1) for name, times in steps_of.items()}
    print("longest steps, ms:", longest, flush=True)
    yield from _stopped(state, folder)
    assert max(longest.values()) < 1000 * TOO_LONG_S, longest


def _run(operator: str, state: Any, **words: Any) -> driver.Steps:
    with bpy.context.temp_override(**driver.viewport()):
        getattr(bpy.ops.facewright, operator)("INVOKE_DEFAULT", **words)
    yield from driver.wait_for(operator, lambda: not state.running)


def _stopped(state: Any, folder: Path) -> driver.Steps:
    """Esc in the middle leaves the files and the scene's frame as they were."""
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    scene = bpy.context.scene
    frame = scene.frame_current
    scene.frame_end = scene.frame_start + 20_000
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.export_weights("INVOKE_DEFAULT")
    yield
    assert state.running
    yield from driver.press("ESC")
    yield from driver.wait_for("the end", lambda: not state.running, 10)
    assert state.ending == "stopped", state.outcome
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert scene.frame_current == frame


def _timed(module: Any) -> dict[str, list[float]]:
    """How long each step of the two operators takes, by operator."""
    spent: dict[str, list[float]] = {}
    for name in ("export_weights", "import_weights"):
        kind = getattr(bpy.types, f"FACEWRIGHT_OT_{name}")
        times = spent.setdefault(name, [0.0])

        def timed(self: Any, context: Any, own: Any = kind.steps, times: Any = times) -> Any:
            return _watched(own(self, context), times)

        kind.steps = timed
    assert module is not None
    return spent


def _watched(steps: Any, times: list[float]) -> Any:
    try:
        while True:
            began = time.perf_counter()
            try:
                now = next(steps)
            except StopIteration as end:
                return end.value
            finally:
                times.append(time.perf_counter() - began)
            yield now
    finally:
        steps.close()


driver.run(script)

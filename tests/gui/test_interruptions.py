# SPDX-License-Identifier: GPL-3.0-or-later
"""A job in a real window is stopped in every way there is: the scene stays as it was."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any

import addon_utils
import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

MODULE = "bl_ext.user_default.facewright"


def script() -> driver.Steps:
    driver.install()
    yield
    with tempfile.TemporaryDirectory() as folder:
        voice = _long_voice(Path(folder) / "long.wav")
        yield from driver.open_sidebar("Facewright")
        yield from _fresh(voice)
        yield from _escape()
        yield from _cancel_button()
        yield from _undo_meanwhile(voice)
        yield from _deleted_meanwhile(voice)
        yield from _new_file_meanwhile(voice)
        yield from _killed_twice()
        yield from _killed_once()
        yield from _fresh(voice)
        yield from _disabled_meanwhile()


def _long_voice(path: Path) -> str:
    """Two minutes of something, so that there is time to interrupt."""
    times = np.arange(16000 * 120) / 16000
    sound = np.sin(times * 900) * np.abs(np.sin(times * 9)) * 9000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(sound.astype("<i2").tobytes())
    return str(path)


def _part(name: str) -> Any:
    return sys.modules[f"{MODULE}.{name}"]


def _state() -> Any:
    return _part("properties.progress").STATE


def _fresh(voice: str) -> driver.Steps:
    """A head and a voice, as one undo step each."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    chosen = bpy.context.scene.facewright
    for rows in (chosen.characters, chosen.pipelines, chosen.players):
        rows.clear()
    chosen.preview = False  # what a preview shows is no part of the job
    bpy.ops.ed.undo_push(message="empty")
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_head("INVOKE_DEFAULT")
    yield
    bpy.context.scene.facewright.players[0].voice_path = voice
    bpy.ops.ed.undo_push(message="voice chosen")
    yield


def _begin() -> driver.Steps:
    with bpy.context.temp_override(**driver.viewport()):
        assert bpy.ops.facewright.animate("INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    yield
    yield from driver.wait_for("the network to begin", lambda: _state().fraction > 0.02, 60)
    assert _state().running


def _nothing_changed(outcome: str) -> driver.Steps:
    yield from driver.wait_for("the job to end", lambda: not _state().running, 20)
    print("outcome:", _state().outcome, flush=True)
    assert outcome in _state().outcome, _state().outcome
    assert not bpy.data.actions
    assert bpy.context.scene.sequence_editor is None or not _strips()
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (1, 250)
    assert not [o for o in bpy.data.objects if "facewright_rest" in o]
    yield


def _strips() -> Any:
    editor = bpy.context.scene.sequence_editor
    return getattr(editor, "strips", None) or getattr(editor, "sequences", ())


def _escape() -> driver.Steps:
    yield from _begin()
    driver.shot("7_progress")
    yield from driver.press("ESC")
    yield from _nothing_changed("Cancelled")


def _cancel_button() -> driver.Steps:
    yield from _begin()
    assert bpy.ops.facewright.cancel() == {"FINISHED"}
    yield from _nothing_changed("Cancelled")
    driver.shot("8_cancelled")


def _undo_meanwhile(voice: str) -> driver.Steps:
    """Undo takes the head away under the running job."""
    yield from _begin()
    for _ in range(2):
        yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo to remove the head", lambda: not bpy.data.objects, 20)
    yield from _nothing_changed("no longer exists")
    yield from _fresh(voice)


def _deleted_meanwhile(voice: str) -> driver.Steps:
    yield from _begin()
    bpy.data.objects.remove(bpy.context.scene.facewright.characters[-1].skin)
    yield from _nothing_changed("no longer exists")
    yield from _fresh(voice)


def _new_file_meanwhile(voice: str) -> driver.Steps:
    yield from _begin()
    bpy.ops.wm.read_homefile(use_empty=True)
    yield
    yield
    yield from _nothing_changed("")
    yield from _fresh(voice)


def _worker() -> Any:
    host = _part("operators.worker_host")
    return next(one for one in host.workers() if one.pid is not None)


def _kill() -> None:
    os.kill(_worker().pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _killed_twice() -> driver.Steps:
    """The job is tried once more and then given up; the window lives on."""
    yield from _begin()
    _kill()
    yield from driver.wait_for("the worker to begin again", lambda: _state().fraction < 0.02, 60)
    yield from driver.wait_for("the network to begin", lambda: _state().fraction > 0.02, 60)
    _kill()
    yield from _nothing_changed("ended twice")


def _killed_once() -> driver.Steps:
    """The job is done by another worker, and says so."""
    yield from _begin()
    _kill()
    yield from driver.wait_for("the job to end", lambda: not _state().running, 120)
    assert bpy.data.actions
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    assert any("started again" in notice for notice in _state().notices), _state().notices


def _disabled_meanwhile() -> driver.Steps:
    yield from _begin()
    pid = _worker().pid
    addon_utils.disable(MODULE)
    yield
    yield
    assert not bpy.data.actions
    try:
        os.kill(pid, 0)
    except OSError:
        return
    raise AssertionError(f"the worker {pid} outlived the extension")


driver.run(script)

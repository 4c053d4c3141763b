# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion in a real window: keys are generated, undone, stopped, and made by a change of track."""

from __future__ import annotations

import sys
import tempfile
import wave
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "trixie"

MODULE = "bl_ext.user_default.facewright"


def script() -> driver.Steps:
    driver.install()
    yield
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.facewright.add_pipeline("INVOKE_DEFAULT", character="NONE")
    _pipeline().key_interval = 0.1
    yield from driver.open_sidebar("Facewright")
    with tempfile.TemporaryDirectory() as folder:
        voice = _voice(Path(folder) / "long.wav", 240)
        other = _voice(Path(folder) / "other.wav", 2)
        yield from _generated(other)
        yield from _undone()
        yield from _by_itself(voice, other)
        yield from _escape(voice)


def _voice(path: Path, seconds: int) -> str:
    times = np.arange(16000 * seconds) / 16000
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


def _chosen() -> Any:
    return bpy.context.scene.facewright


def _pipeline() -> Any:
    return _chosen().pipelines[0]


def _times() -> list[float]:
    found = _part("scene.emotion_curves").key_times(driver.window().scene, 0)
    return [float(frame) for frame in found]


def _begin() -> driver.Steps:
    with bpy.context.temp_override(**driver.viewport()):
        assert bpy.ops.facewright.generate_emotion("INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    yield


def _ended() -> driver.Steps:
    yield from driver.wait_for("the job to end", lambda: not _state().running, 60)
    yield


def _generated(voice: str) -> driver.Steps:
    _chosen().players[0].voice_path = voice
    bpy.ops.ed.undo_push(message="voice chosen")
    yield
    yield from _begin()
    yield from _ended()
    assert "read by Facewright Emotion" in _state().outcome, _state().outcome
    assert (_times()[0], _times()[-1]) == (1, 1 + 2 * 24), _times()
    driver.shot("emotion_generated")


def _undone() -> driver.Steps:
    """All keys are one step."""
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo", lambda: not _times(), 20)
    assert _chosen().players[0].voice_path.endswith("other.wav")
    yield from driver.press("Z", ctrl=True, shift=True)
    yield from driver.wait_for("redo", lambda: len(_times()) > 10, 20)


def _by_itself(voice: str, other: str) -> driver.Steps:
    player = _chosen().players[0]
    bpy.ops.facewright.emotion_keys_clear()
    player.voice_path = voice
    yield
    yield
    assert not _state().running  # it is off
    _pipeline().auto_generate = True
    player.voice_path = other
    yield from driver.wait_for("the keys of the new track", lambda: len(_times()) > 10, 60)
    yield from _ended()
    _pipeline().auto_generate = False


def _escape(voice: str) -> driver.Steps:
    before = _times()
    _chosen().players[0].voice_path = voice
    yield from _begin()
    yield from driver.wait_for("the network to begin", lambda: _state().fraction > 0, 60)
    driver.shot("emotion_progress")
    yield from driver.press("ESC")
    yield from _ended()
    assert _state().outcome == "Cancelled"
    assert _times() == before


driver.run(script)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs and live sessions of scripts in a real window: they go on by themselves."""

from __future__ import annotations

import importlib
import sys
import threading
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver

ONLY = "trixie"

RATE = 16000


def script() -> driver.Steps:
    extension = driver.install()
    yield
    api = importlib.import_module(f"{extension.__name__}.api")
    bpy.ops.facewright.add_head()
    face = bpy.context.scene.facewright.characters[-1].skin
    yield
    yield from _job(api, face)
    yield from _session(api, face)
    yield from _end(extension, api)


def _job(api: Any, face: Any) -> driver.Steps:
    job = api.animate(face, driver.VOICE)
    assert not job.done
    yield from driver.wait_for("the job to end", lambda: job.done)
    assert job.ok, job.error
    assert face.data.shape_keys.animation_data.action is not None
    print(job.result.sentence, job.result.network_sentence, flush=True)


def _session(api: Any, face: Any) -> driver.Steps:
    """A thread of the script sends in pieces; the window's timer does the rest."""
    times = np.arange(2 * RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 140 * times)).astype(np.float32)
    session = api.Session(RATE, face=face, start_frame=5)
    answers: list[bool] = []

    def send() -> None:
        pieces = [tone[at : at + 1600] for at in range(0, len(tone), 1600)]
        answers.extend(session.send(piece) for piece in pieces)
        answers.append(session.end())

    threading.Thread(target=send, daemon=True).start()
    yield from driver.wait_for("the session to be written", lambda: bool(session.results))
    assert all(answers), answers
    result = session.results[0]
    assert result.ok, result.error
    assert sum(block.track.frame_count for block in session.frames()) == result.frame_count
    action = face.data.shape_keys.animation_data.action
    assert action["facewright_take"] == result.take_id


def _end(extension: Any, api: Any) -> driver.Steps:
    """Disabling the extension ends what is on its way, and the timer."""
    job = api.animate(bpy.context.scene.facewright.characters[-1].skin, driver.VOICE)
    tick = sys.modules[f"{extension.__name__}.operators.pump"]._tick
    assert bpy.app.timers.is_registered(tick)
    bpy.ops.preferences.addon_disable(module=extension.__name__)
    assert job.done and not job.ok
    assert not bpy.app.timers.is_registered(tick)
    yield


driver.run(script)

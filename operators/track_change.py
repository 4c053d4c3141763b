# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate on track change: reads the emotion by itself when a player's voice has changed.

What has changed is only noted while properties are set. A task of ``pump`` begins a little later,
when no job runs and nothing is rendered, with the same operator that the button runs.
"""

from __future__ import annotations

import time
from typing import Any

import bpy

from ..core.errors import UserError
from ..properties.changes import LISTENERS
from ..properties.ids import find
from ..properties.progress import STATE
from ..scene.references import Reference, reference
from . import pump
from .auto_emotion import MEANT, generate_problem, listening_of

VOICE = ("voice_source", "voice_path", "sound", "strip", "channel")
QUIET_S = 0.3  # without a further change: one choice often sets several properties


class _Wish:
    """The emotion of one pipeline that is to be read again."""

    holds_worker = False

    def __init__(self, scene: Reference, pipeline_id: str) -> None:
        self.key = (scene.uid, pipeline_id)
        self._scene, self._pipeline_id = scene, pipeline_id
        self.renew()

    def renew(self) -> None:
        """The voice has changed once more."""
        self._begin = time.monotonic() + QUIET_S

    def step(self) -> bool:
        if time.monotonic() < self._begin or STATE.running or bpy.app.is_job_running("RENDER"):
            return True
        _wishes.pop(self.key, None)
        scene = self._scene.find()
        pipeline = None if scene is None else find(scene.facewright.pipelines, self._pipeline_id)
        if pipeline is not None and pipeline.auto_generate and _possible(scene, pipeline):
            _generate(scene, pipeline)
        return False

    def cancel(self) -> None:
        _wishes.pop(self.key, None)


_wishes: dict[tuple[int, str], _Wish] = {}


def _possible(scene: bpy.types.Scene, pipeline: Any) -> bool:
    """Whether there is a voice and somebody who listens; else the panel says what is missing."""
    if generate_problem(scene, pipeline):
        return False
    try:
        listening_of(scene, pipeline)
    except UserError:
        return False
    return True


def _generate(scene: bpy.types.Scene, pipeline: Any) -> None:
    """Run the operator in a window that shows the scene; in background it waits."""
    meant = {MEANT: pipeline}
    windows = bpy.context.window_manager.windows
    window = next((each for each in windows if each.scene == scene), None)
    if bpy.app.background:
        with bpy.context.temp_override(scene=scene, **meant):
            bpy.ops.facewright.generate_emotion(pipeline=pipeline.name)
    elif window is not None:
        with bpy.context.temp_override(window=window, **meant):
            bpy.ops.facewright.generate_emotion("INVOKE_DEFAULT", pipeline=pipeline.name)


def _changed(item: Any, name: str) -> None:
    """Note which pipelines are to be read again. (A copied player feeds none yet.)"""
    if name not in VOICE or item.bl_rna.identifier != "FACEWRIGHT_PG_player":
        return
    scene = item.id_data
    for pipeline in scene.facewright.pipelines_of(item):
        if not pipeline.auto_generate:
            continue
        wish = _wishes.get((reference(scene).uid, pipeline.id))
        if wish is not None:
            wish.renew()
            continue
        wish = _Wish(reference(scene), pipeline.id)
        _wishes[wish.key] = wish
        pump.add(wish)


def register() -> None:
    _wishes.clear()
    LISTENERS.append(_changed)


def unregister() -> None:
    _wishes.clear()
    if _changed in LISTENERS:
        LISTENERS.remove(_changed)

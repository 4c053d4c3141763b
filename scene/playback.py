# SPDX-License-Identifier: GPL-3.0-or-later
"""What is heard and what is played: strips of our players, and the scene's preview range while a
voice plays.

The user's own preview range waits in a custom property of the scene, so that undo, saving and a
crash while a voice plays lose nothing.
"""

from __future__ import annotations

from typing import Any

import bpy

from . import versions
from .sounds import STRIP_OWNER, VoiceSource

KEPT = "facewright_preview_range"  # on a scene: use, first and last frame, while a voice plays
SILENCED = "facewright_silenced"  # on a strip that is muted because another pipeline is solo


def own_strips(scene: bpy.types.Scene, owner: str) -> list[Any]:
    """The strips that were placed for a player."""
    editor = scene.sequence_editor
    strips = versions.sequencer_strips(editor) if editor else ()
    return [strip for strip in strips if strip.get(STRIP_OWNER) == owner]


def voice_strips(scene: bpy.types.Scene, source: VoiceSource, owner: str) -> list[Any]:
    """The strips that play a player's voice: those placed for it, or the chosen one."""
    if source.kind != "STRIP":
        return own_strips(scene, owner)
    editor = scene.sequence_editor
    strips = versions.all_strips(editor) if editor else ()
    return [strip for strip in strips if strip.name == source.name and strip.type == "SOUND"]


def set_volume(strip: Any, volume: float) -> None:
    """How loud a strip is played."""
    if abs(strip.volume - volume) > 1e-6:
        strip.volume = volume


def set_silent(strip: Any, silent: bool) -> None:
    """Mute a strip, or undo that; what the user has muted stays so."""
    if silent and not strip.mute:
        strip.mute = True
        strip[SILENCED] = True
    elif not silent and SILENCED in strip:
        strip.mute = False
        del strip[SILENCED]


def play_range(scene: bpy.types.Scene, first: int, last: int) -> None:
    """Let playback run from ``first`` to ``last``; the user's own preview range is kept."""
    if KEPT not in scene:
        use = int(scene.use_preview_range)
        scene[KEPT] = [use, scene.frame_preview_start, scene.frame_preview_end]
    scene.use_preview_range = True
    _set_range(scene, first, last)


def give_range_back(scene: bpy.types.Scene) -> bool:
    """Set the preview range to what it was before ``play_range``; False when nothing is kept."""
    if KEPT not in scene:
        return False
    use, first, last = (int(value) for value in scene[KEPT])
    del scene[KEPT]
    scene.use_preview_range = True
    _set_range(scene, first, last)
    scene.use_preview_range = bool(use)
    return True


def _set_range(scene: bpy.types.Scene, first: int, last: int) -> None:
    """Blender keeps the ends in order, so that the right one has to be moved first."""
    if first > scene.frame_preview_end:
        scene.frame_preview_end = last
    scene.frame_preview_start = first
    scene.frame_preview_end = last

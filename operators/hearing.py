# SPDX-License-Identifier: GPL-3.0-or-later
"""Which voices are heard, and how loud: keeps the players' strips in the sequencer as the players
and solo say."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import bpy

from ..core.errors import UserError
from ..properties.changes import LISTENERS
from ..scene import playback
from ..scene.refusals import reason_of
from ..scene.sounds import VoiceSource, place_strip, plays
from ..scene.versions import all_strips
from .chosen import source_of, voice_missing

VOICE = {"voice_source", "voice_path", "sound", "strip", "start_frame"}
LEVEL = {"volume", "solo", "player_id"}


def ensure(scene: bpy.types.Scene, player: Any) -> tuple[str, ...]:
    """Put a player's voice into the sequencer unless it is there; returns notices.

    Raises UserError when the voice is missing or Blender cannot read it.
    """
    scene.sync_mode = "AUDIO_SYNC"
    scene.use_audio_scrub = True
    source = source_of(player)
    notices: tuple[str, ...] = ()
    if not _is_there(scene, source, player):
        try:
            notices = place_strip(scene, source, float(player.start_frame), player.id)
        except RuntimeError as error:
            raise UserError(f"Blender cannot play the voice: {reason_of(error)}.") from error
    level(scene)
    return notices


def level(scene: bpy.types.Scene) -> None:
    """Set volume and silence of all strips that play voices of the scene's players."""
    chosen: Any = scene.facewright
    heard = {pipeline.player_id for pipeline in chosen.audible}
    soloed = any(pipeline.solo for pipeline in chosen.pipelines)
    sources = {player.id: source_of(player) for player in chosen.players}
    for player in chosen.players:
        source = sources[player.id]
        for strip in playback.voice_strips(scene, source, player.id):
            playback.set_volume(strip, player.volume)
            users = {
                other.id
                for other in chosen.players
                if other == player or plays(strip, sources[other.id], other.start_frame)
            }
            playback.set_silent(strip, soloed and not users & heard)


def _is_there(scene: bpy.types.Scene, source: VoiceSource, player: Any) -> bool:
    """Whether the voice is heard already: by our strip alone, or by one of the user's own."""
    if source.kind == "STRIP":
        return False  # nothing is placed then, but what is missing is said
    own = playback.own_strips(scene, player.id)
    if own:
        return len(own) == 1 and plays(own[0], source, player.start_frame)
    editor = scene.sequence_editor
    strips = all_strips(editor) if editor else ()
    return any(not strip.mute and plays(strip, source, player.start_frame) for strip in strips)


def _changed(item: Any, name: str) -> None:
    scene = item.id_data
    if not isinstance(scene, bpy.types.Scene) or not hasattr(scene, "facewright"):
        return
    if name in VOICE and hasattr(item, "voice_source"):
        # The old voice must not be heard any more; a new one is placed when it is to be heard.
        if playback.own_strips(scene, item.id) and not voice_missing(item):
            with suppress(UserError):  # the panel says what is wrong
                ensure(scene, item)
    elif name in LEVEL:
        level(scene)


def register() -> None:
    LISTENERS.append(_changed)


def unregister() -> None:
    with suppress(ValueError):
        LISTENERS.remove(_changed)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells one voice from another without reading its sound: a cheap key, equal while it is."""

from __future__ import annotations

import os
from typing import Any

import bpy

from ..core.errors import UserError
from . import versions
from .rates import scene_rate
from .sounds import VoiceSource, find_strip, resolve

Key = tuple[Any, ...]


def voice_key(source: VoiceSource, scene: bpy.types.Scene) -> Key:
    """A key of the whole voice, its channel and what of it a strip plays; not of the range that is
    used. Raises UserError when the voice is missing."""
    if source.kind == "STRIP":
        strip = find_strip(scene, source.name)
        times = versions.strip_times(strip)
        sound = _sound_key(strip.sound, source, scene)
        return (*sound, times, float(scene_rate(scene)), source.channel)
    if source.kind == "SOUND" and (sound := bpy.data.sounds.get(source.name)) is not None:
        return (*_sound_key(sound, source, scene), source.channel)
    path = resolve(VoiceSource(source.kind, source.name), scene).voice.path
    return (*_file_key(path or ""), source.channel)


def voice_begin(source: VoiceSource, scene: bpy.types.Scene, start_frame: float) -> float:
    """The frame at which second 0 of the voice lies; a strip says it itself. Raises UserError."""
    if source.kind != "STRIP":
        return start_frame
    strip = find_strip(scene, source.name)
    times = versions.strip_times(strip)
    rate = float(scene_rate(scene))
    return times.start + max(0.0, times.sound_offset_s * rate - times.skip_left)


def _sound_key(sound: bpy.types.Sound, source: VoiceSource, scene: bpy.types.Scene) -> Key:
    if sound.packed_file is not None:
        return ("PACKED", versions.session_uid(sound), sound.packed_file.size)
    found = resolve(VoiceSource("SOUND", sound.name), scene).voice
    return _file_key(found.path or "")


def _file_key(path: str) -> Key:
    try:
        about = os.stat(path)
    except OSError as error:
        raise UserError(f"The voice {path} cannot be read: {error.strerror}.") from error
    return ("FILE", path, about.st_mtime_ns, about.st_size)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Voices in a .blend: files, Sounds (packed too) and sequencer strips, and the strip that plays.

``VoiceSource`` is what a user chose; ``resolve`` turns it into core's ``Voice``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import bpy

from ..core.errors import UserError
from ..core.voice.audio import Voice
from . import versions
from .rates import scene_rate

STRIP_OWNER = "facewright_face"  # on a strip of ours and the Sound loaded for it: whose voice
NO_SOUND = "This Blender has no sound, so the voice was not put into the sequencer."


@dataclass(frozen=True)
class VoiceSource:
    """A voice by ``kind``: ``name`` is a path, a Sound's name or a strip's name.

    ``channel`` is 0-based; None mixes all channels. ``start_s`` and ``end_s`` are the part that is
    used, in seconds from the voice's begin (a strip's is where it is first heard); None is to its
    end.
    """

    kind: Literal["FILE", "SOUND", "STRIP"]
    name: str
    channel: int | None = None
    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True)
class Resolved:
    """``start_frame`` is where a strip's voice begins; None where the source is no strip.
    ``offset_s`` is how much later the part begins that is used."""

    voice: Voice
    start_frame: float | None = None
    offset_s: float = 0.0


def resolve(source: VoiceSource, scene: bpy.types.Scene) -> Resolved:
    """What a source stands for. Raises UserError when it is missing or unreadable as a place."""
    if source.end_s is not None and source.end_s <= source.start_s:
        raise UserError(
            f"The range of the voice ends at {source.end_s:g} s, before it begins.",
            "Set Range End after Range Start, or to -1 for the voice's end.",
        )
    found = _whole(source, scene)
    return replace(found, voice=_cut(found.voice, source), offset_s=source.start_s)


def _cut(voice: Voice, source: VoiceSource) -> Voice:
    """The part of the voice that is used."""
    ends = [voice.end_s] if voice.end_s is not None else []
    if source.end_s is not None:
        ends.append(voice.start_s + source.end_s)
    start_s = voice.start_s + source.start_s
    end_s = min(ends, default=None)
    if end_s is not None and end_s <= start_s:
        raise UserError(
            f"The range of {voice.label} begins after its end.",
            "Set Range Start to an earlier time.",
        )
    return replace(voice, start_s=start_s, end_s=end_s)


def _whole(source: VoiceSource, scene: bpy.types.Scene) -> Resolved:
    if source.kind == "FILE":
        return Resolved(_from_path(source.name, source.channel))
    if source.kind == "SOUND":
        sound = bpy.data.sounds.get(source.name)
        if sound is None:
            text = f"There is no sound '{source.name}'." if source.name else "No sound is chosen."
            raise UserError(text, "Choose one of the file's sounds.")
        return Resolved(_from_sound(sound, source.channel))
    return _from_strip(source, scene)


def find_strip(scene: bpy.types.Scene, name: str) -> Any:
    """A sound strip of the scene by name. Raises UserError."""
    editor = scene.sequence_editor
    strip = None
    if editor is not None and name:
        strip = next((s for s in versions.all_strips(editor) if s.name == name), None)
    if strip is None:
        said = f"The sequencer of '{scene.name}' has no strip '{name}'."
        raise UserError(said if name else "No strip is chosen.", "Choose a sound strip.")
    if strip.type != "SOUND" or strip.sound is None:
        raise UserError(f"The strip '{name}' holds no sound.", "Choose a sound strip.")
    return strip


def _from_path(name: str, channel: int | None) -> Voice:
    if not name.strip():
        raise UserError("No voice is chosen.", "Choose a sound file.")
    path = os.path.realpath(bpy.path.abspath(name))
    if not os.path.isfile(path):
        what = "is a folder" if os.path.isdir(path) else "does not exist"
        raise UserError(f"The voice {path} {what}.", "Choose a sound file.")
    return Voice(path=path, name=Path(path).name, channel=channel)


def _from_sound(
    sound: bpy.types.Sound,
    channel: int | None,
    start_s: float = 0.0,
    end_s: float | None = None,
) -> Voice:
    if sound.packed_file is not None:
        data = bytes(sound.packed_file.data)
        if not data:
            raise UserError(f"The packed sound '{sound.name}' is empty.", "Pack it again.")
        return Voice(None, data, sound.name, start_s, end_s, channel)
    path = os.path.realpath(bpy.path.abspath(sound.filepath, library=sound.library))
    if not os.path.isfile(path):
        raise UserError(
            f"The file of the sound '{sound.name}' is missing: {path}.", "Find or pack it."
        )
    return Voice(path, None, sound.name, start_s, end_s, channel)


def _from_strip(source: VoiceSource, scene: bpy.types.Scene) -> Resolved:
    strip = find_strip(scene, source.name)
    if versions.strip_is_retimed(strip):
        raise UserError(
            f"The strip '{strip.name}' is retimed.", "Render it to a file with Sound Mixdown first."
        )
    times = versions.strip_times(strip)
    rate = float(scene_rate(scene))
    start_s = times.skip_left / rate - times.sound_offset_s
    # Before the sound begins a strip is silent; the voice then begins inside the strip.
    first = times.start + max(0.0, -start_s) * rate
    start_s = max(0.0, start_s)
    end_s = None
    if times.skip_right > 0:
        end_s = start_s + (times.end - first) / rate
        if end_s <= start_s:
            raise UserError(f"The strip '{strip.name}' plays nothing of its sound.", "Extend it.")
    voice = _from_sound(strip.sound, source.channel, start_s, end_s)
    return Resolved(voice, first)


def place_strip(
    scene: bpy.types.Scene, source: VoiceSource, start_frame: float, owner: str
) -> tuple[str, ...]:
    """Let the voice be heard in play-back from ``start_frame`` on; returns notices.

    A strip that a former take of the same face left is replaced; a strip that plays the same sound
    at the same place is used; a chosen strip is left alone.
    """
    scene.sync_mode = "AUDIO_SYNC"
    scene.use_audio_scrub = True
    if not versions.has_sound():
        return (NO_SOUND,)
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = versions.sequencer_strips(editor)
    chosen = source.name if source.kind == "STRIP" else None
    for strip in [s for s in strips if s.get(STRIP_OWNER) == owner and s.name != chosen]:
        _remove_strip(strips, strip)
    frame = round(start_frame)
    if source.kind != "STRIP" and not _plays_already(editor, source, frame):
        _new_strip(strips, source, frame, owner)
    versions.show_in_sequencer(scene)
    if source.kind != "STRIP" and abs(frame - start_frame) > 1e-3:
        return ("The sound begins at a whole frame, the take between two.",)
    return ()


def extend_range(scene: bpy.types.Scene, first: float, last: float) -> tuple[str, ...]:
    """Let play-back reach the whole take; returns a notice when the scene's range grew."""
    start, end = int(first // 1), int(-(-last // 1))
    if start >= scene.frame_start and end <= scene.frame_end:
        return ()
    scene.frame_start = max(0, min(scene.frame_start, start))
    scene.frame_end = max(scene.frame_end, end)
    return (f"The scene's range is now {scene.frame_start} to {scene.frame_end}.",)


def plays(strip: Any, source: VoiceSource, frame: int) -> bool:
    """Whether a strip plays a file or Sound, untrimmed, from a frame on; muted or not."""
    if strip.type != "SOUND" or strip.sound is None:
        return False
    times = versions.strip_times(strip)
    return times.start == frame and times.skip_left == 0 and _is_sound(strip.sound, source)


def _plays_already(editor: Any, source: VoiceSource, frame: int) -> bool:
    strips = versions.all_strips(editor)
    return any(not strip.mute and plays(strip, source, frame) for strip in strips)


def _is_sound(sound: bpy.types.Sound, source: VoiceSource) -> bool:
    if source.kind == "SOUND":
        return sound.name == source.name
    path = os.path.realpath(bpy.path.abspath(sound.filepath, library=sound.library))
    return sound.packed_file is None and path == os.path.realpath(bpy.path.abspath(source.name))


def _new_strip(strips: Any, source: VoiceSource, frame: int, owner: str) -> None:
    sound = bpy.data.sounds.get(source.name) if source.kind == "SOUND" else None
    name = Path(source.name).stem if sound is None else sound.name
    channel = _free_channel(strips, frame)
    with _file_of(source, sound) as path:
        strip = strips.new_sound(name=name, filepath=path, channel=channel, frame_start=frame)
        if sound is not None:
            loaded, strip.sound = strip.sound, sound
            if loaded != sound and loaded.users == 0:
                bpy.data.sounds.remove(loaded)
        else:
            strip.sound[STRIP_OWNER] = owner
    strip[STRIP_OWNER] = owner


@contextmanager
def _file_of(source: VoiceSource, sound: bpy.types.Sound | None) -> Iterator[str]:
    """A file to make a strip from: a strip takes its length from a file, not from packed bytes."""
    if sound is None:
        yield bpy.path.abspath(source.name)
    elif sound.packed_file is None:
        yield bpy.path.abspath(sound.filepath, library=sound.library)
    else:
        suffix = Path(sound.filepath).suffix
        handle, path = tempfile.mkstemp(suffix=suffix, prefix="facewright-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(sound.packed_file.data)
            yield path
        finally:
            with suppress(OSError):
                os.unlink(path)


def _free_channel(strips: Any, frame: int) -> int:
    """The lowest channel on which nothing lies from the frame on."""
    taken = {strip.channel for strip in strips if versions.strip_times(strip).end > frame}
    return next((channel for channel in range(1, 129) if channel not in taken), 128)


def _remove_strip(strips: Any, strip: Any) -> None:
    """Remove a strip of ours, and the Sound that was loaded for it unless it is used elsewhere."""
    sound = getattr(strip, "sound", None)
    strips.remove(strip)
    if sound is not None and sound.users == 0 and STRIP_OWNER in sound:
        bpy.data.sounds.remove(sound)

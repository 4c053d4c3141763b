# SPDX-License-Identifier: GPL-3.0-or-later
"""A player: one voice, its range and its place in the scene; it feeds any number of cores."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..core.limits import MAX_CHANNELS, MAX_DURATION_S
from ..core.voice.tracks import tracks
from .changes import telling
from .names import unique_name
from .paths import RELATIVE
from .recorder import FACEWRIGHT_PG_recorder

NO_TRACK = "NONE"


@lru_cache(maxsize=16)
def _track_items(names: tuple[str, ...]) -> list[tuple[str, str, str, str, int]]:
    """Blender keeps no reference to the texts of an enum, so somebody has to."""
    nothing = (NO_TRACK, "None", "No voice of the folder is chosen", "BLANK1", 0)
    found = enumerate(names, start=1)
    return [nothing, *((name, name, f"Speak {name}", "SOUND", at) for at, name in found)]


def track_items(self: Any, _context: Any = None) -> list[tuple[str, str, str, str, int]]:
    """The items of the drop-down of tracks."""
    return _track_items(self.tracks)


def _get_track(self: Any) -> int:
    folder, name = os.path.split(self.voice_path)
    names = self.tracks
    if self.voice_source != "FILE" or name not in names:
        return 0
    there = os.path.normpath(bpy.path.abspath(folder or "."))
    return names.index(name) + 1 if there == os.path.normpath(self.track_folder) else 0


def _set_track(self: Any, place: int) -> None:
    names = self.tracks
    if not 0 < place <= len(names):
        return
    if self.voice_source != "FILE":
        self.voice_source = "FILE"
    self.voice_path = os.path.join(self.track_root, names[place - 1])


class FACEWRIGHT_PG_player(bpy.types.PropertyGroup):
    """An audio player; its name is ``name``"""

    name: unique_name("What the player is called", "players", "Player")
    id: StringProperty(name="Id", description="What pipelines know the player by")
    voice_source: EnumProperty(
        name="Voice",
        description="Where the voice comes from",
        items=(
            ("SAMPLE", "Sample", "The short voice that comes with Facewright"),
            ("FILE", "File", "A sound file: wav, flac, ogg, mp3, aiff"),
            ("SOUND", "Sound", "A sound of this .blend, packed or not"),
            ("STRIP", "Strip", "A sound strip of the sequencer, with its trims and its place"),
        ),
        default="FILE",
        update=telling("voice_source"),
    )
    track_root: StringProperty(
        name="Track Root",
        description="Folder whose voices are listed",
        subtype="DIR_PATH",
        options=RELATIVE,
    )
    track: EnumProperty(
        name="Track",
        description="The voice, of those in the folder; all pipelines that this player feeds "
        "speak it",
        items=track_items,
        get=_get_track,
        set=_set_track,
    )
    voice_path: StringProperty(
        name="File",
        description="The voice's file",
        subtype="FILE_PATH",
        options=RELATIVE,
        update=telling("voice_path"),
    )
    sound: PointerProperty(
        name="Sound",
        description="The voice's sound",
        type=bpy.types.Sound,
        update=telling("sound"),
    )
    strip: StringProperty(
        name="Strip",
        description="The voice's strip in the sequencer",
        update=telling("strip"),
    )
    channel: IntProperty(
        name="Channel",
        description="Channel of the voice to use; 0 mixes all of them",
        default=0,
        min=0,
        max=MAX_CHANNELS,
        update=telling("channel"),
    )
    start_frame: IntProperty(
        name="Start Frame",
        description="Frame at which the voice begins",
        default=1,
        update=telling("start_frame"),
    )
    range_start: FloatProperty(
        name="Range Start",
        description="Where the part of the voice that is used begins",
        default=0.0,
        min=0.0,
        soft_max=600.0,
        max=MAX_DURATION_S * 24,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
        precision=3,
        update=telling("range_start"),
    )
    range_end: FloatProperty(
        name="Range End",
        description="Where the part of the voice that is used ends; -1 is the voice's end",
        default=-1.0,
        min=-1.0,
        soft_max=600.0,
        max=MAX_DURATION_S * 24,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
        precision=3,
        update=telling("range_end"),
    )
    loop: BoolProperty(
        name="Loop",
        description="Play the range again and again",
        default=False,
        update=telling("loop"),
    )
    volume: FloatProperty(
        name="Volume",
        description="How loud the voice is played; the face does not change",
        default=1.0,
        min=0.0,
        max=2.0,
        subtype="FACTOR",
        translation_context="Sound",  # loudness, not the volume of a mesh
        update=telling("volume"),
    )
    show_strip: BoolProperty(
        name="Show Waveform",
        description="Draw the voice's waveform at the bottom of 3D viewports that show gizmos",
        default=True,
        update=telling("show_strip"),
    )
    recorder: PointerProperty(type=FACEWRIGHT_PG_recorder)

    @property
    def track_folder(self) -> str:
        """Full path of the folder whose voices are listed; empty when none is chosen."""
        return bpy.path.abspath(self.track_root) if self.track_root else ""

    @property
    def tracks(self) -> tuple[str, ...]:
        """Names of the folder's voices."""
        return tracks(self.track_folder) if self.track_root else ()

    @property
    def range_s(self) -> tuple[float, float | None]:
        """Begin and end of the used part in seconds of the voice; None is the voice's end."""
        return self.range_start, None if self.range_end < 0 else self.range_end


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_player,))

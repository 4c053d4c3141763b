# SPDX-License-Identifier: GPL-3.0-or-later
"""A player: one voice, its range and its place in the scene; it feeds any number of cores."""

from __future__ import annotations

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
from .changes import telling
from .names import unique_name
from .recorder import FACEWRIGHT_PG_recorder


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
    )
    voice_path: StringProperty(
        name="File",
        description="The voice's file",
        subtype="FILE_PATH",
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
        update=telling("volume"),
    )
    show_strip: BoolProperty(
        name="Show Waveform",
        description="Draw the voice's waveform at the bottom of the 3D viewport",
        default=True,
        update=telling("show_strip"),
    )
    recorder: PointerProperty(type=FACEWRIGHT_PG_recorder)

    @property
    def range_s(self) -> tuple[float, float | None]:
        """Begin and end of the used part in seconds of the voice; None is the voice's end."""
        return self.range_start, None if self.range_end < 0 else self.range_end


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_player,))

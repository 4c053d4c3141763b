# SPDX-License-Identifier: GPL-3.0-or-later
"""What a player's recorder and live mode remember; what runs now is no property."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from .microphones import get_microphone, microphone_items, set_microphone


class FACEWRIGHT_PG_recorder(bpy.types.PropertyGroup):
    """Choices of the recorder"""

    microphone: StringProperty(
        name="Microphone", description="Name of the input device; empty is the system's default"
    )
    microphone_choice: EnumProperty(
        name="Microphone",
        description="Input device that is listened to",
        items=microphone_items,
        get=get_microphone,
        set=set_microphone,
        options=set(),
    )
    take_name: StringProperty(
        name="Name",
        description="Name of the next recording; one that exists gets the next number",
        default="Recording",
    )
    rate: IntProperty(
        name="Rate",
        description="Samples per second that a recording is saved with",
        default=48_000,
        min=8_000,
        max=192_000,
    )
    low_delay: BoolProperty(
        name="Low Delay",
        description="Listen with the model's network for live use, which answers sooner and moves "
        "a little differently; a model without one takes its own",
        default=True,
    )
    muted: BoolProperty(
        name="Mute",
        description="Keep the microphone's sound from the network and the recording",
        default=False,
    )


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_recorder,))

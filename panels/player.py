# SPDX-License-Identifier: GPL-3.0-or-later
"""The audio player: folder of voices, what is known of the voice, range, transport."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.strip import clock
from ..operators.chosen import voice_missing
from ..operators.playing import is_playing
from ..operators.voices import Known, known
from .sidebar import MARGIN_PX, MOST_PX, SubPanel, aligned, shown_player
from .texts import draw_sentence, room, translated

TIP = "Bring files to one level and EQ before a batch: most consistent results"


class FACEWRIGHT_PT_player(SubPanel, bpy.types.Panel):
    """The voice's folder, range and playback"""

    bl_label = "Audio Player"
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        layout = aligned(self.layout)
        player = shown_player(context)
        if player is None:
            layout.operator("facewright.add_player", icon="ADD")
            return
        width = room(context, MARGIN_PX, MOST_PX)
        what = known(context.scene, player)
        column = layout.column()
        column.prop(player, "name")
        _draw_folder(column, player, width)
        _draw_facts(layout.column(), player, what, width)
        _draw_transport(layout.column(align=True), player)
        _draw_range(layout.column(), player)
        column = layout.column()
        column.prop(player, "volume", slider=True)
        column.prop(player, "show_strip")
        draw_sentence(layout, TIP, "INFO", width)


def _draw_folder(layout: bpy.types.UILayout, player: Any, width: float) -> None:
    layout.prop(player, "track_root")
    row = layout.row()
    row.enabled = bool(player.tracks)
    row.prop(player, "track")
    if player.track_root and not player.tracks:
        draw_sentence(layout, "This folder holds no voices", "INFO", width)


def _draw_facts(layout: bpy.types.UILayout, player: Any, what: Known, width: float) -> None:
    """Length and channels of the voice, or why they are not known; the channel to use."""
    facts = what.facts
    row = layout.row()
    row.active = facts is None or facts.channels > 1 or player.channel > 0
    row.prop(player, "channel", text="Channel" if player.channel else "Channel (all)")
    if voice_missing(player):  # the main panel says so
        return
    if what.problem:
        draw_sentence(layout, what.problem, "ERROR", width)
    elif facts is None:
        layout.label(text="Reading the voice ...", icon="SORTTIME")
    else:
        count = translated("mono" if facts.channels == 1 else "{channels} channels")
        count = count.format(channels=facts.channels)
        text = f"{clock(facts.duration_s)}, {facts.rate / 1000:g} kHz, {count}"
        layout.label(text=text, icon="SOUND", translate=False)


def _draw_transport(layout: bpy.types.UILayout, player: Any) -> None:
    row = layout.row(align=True)
    row.scale_y = 1.2
    row.operator("facewright.return_to_start", text="", icon="REW")
    playing = is_playing()
    text, icon = ("Pause", "PAUSE") if playing else ("Play", "PLAY")
    row.operator("facewright.play", text=text, icon=icon, depress=playing)
    row.operator("facewright.loop", text="", icon="FILE_REFRESH", depress=player.loop)


def _draw_range(layout: bpy.types.UILayout, player: Any) -> None:
    if player.voice_source != "STRIP":  # a strip says itself where it begins
        layout.prop(player, "start_frame")
    column = layout.column(align=True)
    row = column.row(align=True)
    row.prop(player, "range_start")
    row.operator("facewright.range_start_here", text="", icon="TRIA_LEFT_BAR")
    row = column.row(align=True)
    row.prop(player, "range_end", text="End")
    row.operator("facewright.range_end_here", text="", icon="TRIA_RIGHT_BAR")
    column.operator("facewright.range_clear")


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PT_player,))

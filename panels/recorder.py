# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder: microphone, level, record, live, and what becomes of it.

Buttons that are greyed say why in their tooltips; the reasons for Rec and Live are shown as well.
"""

from __future__ import annotations

import math
from typing import Any

import bpy

from ..operators.listening import RECORDER, Heard, Listening
from ..operators.live import FACEWRIGHT_OT_live
from ..operators.microphones import look_once
from ..operators.recorder import FACEWRIGHT_OT_record, heard_here
from ..properties.microphones import MICROPHONES
from .sidebar import MARGIN_PX, MOST_PX, SubPanel, aligned, one_look, shown_player
from .texts import draw_sentence, room, translated

QUIETEST_DB = -60.0
SILENT = "The microphone has given only silence for 2 s: allow Blender to use it in the system's \
settings, and see that it is not switched off"


class FACEWRIGHT_PT_recorder(SubPanel, bpy.types.Panel):
    """The microphone: recording a voice, and faces that follow it as one speaks"""

    bl_label = "Recorder"
    bl_order = 20

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.label(text="", icon="RECORD_ON")

    @one_look
    def draw(self, context: bpy.types.Context) -> None:
        look_once()
        layout = aligned(self.layout)
        player = shown_player(context)
        if player is None:
            layout.operator("facewright.add_player", icon="ADD")
            return
        width = room(context, MARGIN_PX, MOST_PX)
        running, recorder = RECORDER.running, player.recorder
        if running is not None and running.plan.player_id != player.id:
            running = None
        _draw_choices(layout.column(), recorder, width, RECORDER.running is None)
        _draw_buttons(layout.column(align=True), context, recorder, running)
        if running is not None:
            _draw_running(layout.column(), running, width)
        else:
            _draw_reasons(layout.column(), context, width)
        _draw_outcome(layout.column(), context, running, width)


def _draw_choices(layout: Any, recorder: Any, width: float, free: bool) -> None:
    row = layout.row(align=True)
    row.enabled = free
    row.prop(recorder, "microphone_choice")
    row.operator("facewright.microphones_refresh", text="", icon="FILE_REFRESH")
    if not MICROPHONES.known:
        layout.label(text="Looking for microphones ...", icon="SORTTIME")
    elif MICROPHONES.reason:
        draw_sentence(layout, MICROPHONES.reason, "ERROR", width)
    elif MICROPHONES.absent(recorder.microphone):
        draw_sentence(layout, "This microphone is not connected", "ERROR", width)
    row = layout.row(align=True)
    row.prop(recorder, "take_name")
    row.operator("facewright.recorder_new", text="", icon="ADD")
    layout.prop(recorder, "rate")
    row = layout.row()
    row.enabled = free
    row.prop(recorder, "low_delay")


def _draw_buttons(
    layout: Any, context: bpy.types.Context, recorder: Any, running: Listening | None
) -> None:
    live = running is not None and bool(running.plan.orders)
    records = running is not None and not live
    row = layout.row(align=True)
    row.scale_y = 1.3
    text, icon = ("Stop", "SNAP_FACE") if records else ("Rec", "RECORD_ON")
    row.operator("facewright.record", text=text, icon=icon, depress=records)
    text, icon = ("Stop", "SNAP_FACE") if live else ("Live", "OUTLINER_OB_FORCE_FIELD")
    row.operator("facewright.live", text=text, icon=icon, depress=live)
    icon = "MUTE_IPO_ON" if recorder.muted else "MUTE_IPO_OFF"
    row.operator("facewright.recorder_mute", text="Mute", icon=icon, depress=recorder.muted)


def _draw_reasons(layout: Any, context: bpy.types.Context, width: float) -> None:
    """Why Rec or Live are greyed; a missing microphone is said above."""
    reasons = [each.disabled_reason(context) for each in (FACEWRIGHT_OT_record, FACEWRIGHT_OT_live)]
    if MICROPHONES.known and not MICROPHONES.names:
        return
    for reason in dict.fromkeys(reasons):
        if reason:
            draw_sentence(layout, reason, "INFO", width)


def _draw_running(layout: Any, running: Listening, width: float) -> None:
    """Level, time, delay, and what is not as it should be."""
    session, state = running.first, running.first.state
    if not session.is_open:
        text = "Ending ..." if running.ending else "Switching on ..."
        layout.label(text=text, icon="SORTTIME")
        return
    _draw_level(layout, state)
    what = translated("Live" if running.orders else "Recording")
    muted = translated(", muted") if state["muted"] else ""
    text = f"{what} {state['captured_s']:.1f} s{muted}"
    layout.label(text=text, icon="RECORD_ON", translate=False)
    if running.orders and state["frames"]:
        ahead = round(state["ahead_ms"])
        delay = translated("Delay {delay:.0f} ms + {ahead} ms look-ahead")
        delay = delay.format(delay=running.delay_ms, ahead=ahead)
        layout.label(text=delay, icon="TIME", translate=False)
    for text in troubles(state):
        draw_sentence(layout, text, "ERROR", width)
    for text in (*RECORDER.notices, *running.notices):
        draw_sentence(layout, text, "INFO", width)


def _draw_level(layout: Any, state: Any) -> None:
    peak = state["peak"]
    loud = translated("clipping" if peak >= 0.999 else "peak {level:.0f} dB")
    loud = loud.format(level=decibels(peak))
    factor = min(max(1 - decibels(state["rms"]) / QUIETEST_DB, 0.0), 1.0)
    row = layout.row(align=True)
    row.alert = peak >= 0.999
    row.progress(factor=factor, text=loud, translate=False)


def troubles(state: Any) -> list[str]:
    """What is wrong with the sound that comes, as sentences."""
    found = [SILENT] if state["silent"] else []
    if state["dropped"]:
        text = translated("{count} samples were lost: this computer is too busy")
        found.append(text.format(count=state["dropped"]))
    if state["overflows"]:
        text = translated("The device lost sound {count} times")
        found.append(text.format(count=state["overflows"]))
    return found


def decibels(value: float) -> float:
    """Of full scale; the quietest that is told for nothing at all."""
    return max(20 * math.log10(value), QUIETEST_DB) if value > 0 else QUIETEST_DB


def _draw_outcome(
    layout: Any, context: bpy.types.Context, running: Listening | None, width: float
) -> None:
    heard = heard_here(context) if running is None else None
    if heard is not None:
        _draw_heard(layout, heard)
    row = layout.row(align=True)
    row.operator("facewright.recorder_save", icon="FILE_TICK")
    row.operator("facewright.recorder_discard", icon="TRASH")
    layout.operator("facewright.live_keep", icon="KEYFRAME_HLT")
    if running is not None:
        return
    if RECORDER.problem:
        draw_sentence(layout, RECORDER.problem, "ERROR", width)
    if RECORDER.told:
        draw_sentence(layout, RECORDER.told, "CHECKMARK", width)
    for text in RECORDER.notices:
        draw_sentence(layout, text, "INFO", width)


def _draw_heard(layout: Any, heard: Heard) -> None:
    text = translated(
        "{seconds:.1f} s of live take" if heard.orders else "{seconds:.1f} s of recording"
    )
    state = "" if heard.saved else translated(", not saved yet")
    text = text.format(seconds=heard.seconds) + state
    layout.label(text=text, icon="SOUND", translate=False)


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PT_recorder,))

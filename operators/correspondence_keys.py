# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, wheel and drags of the mode in which pairs are picked: what they do to looks and pairs."""

from __future__ import annotations

import math
from typing import Any

import bpy

from ..scene.correspondences import select, selected
from . import correspondence_edits as edits
from . import correspondence_session as session
from .correspondence_end import switch
from .correspondence_session import SESSION

ORBIT = 0.008  # radians for each pixel
WHEEL = 1.2
SIDE_KEYS = {"NUMPAD_1": (0.0, 0.0), "NUMPAD_3": (math.pi / 2, 0.0), "NUMPAD_7": (0.0, math.pi / 2)}
PASSED_WITH_CTRL = {"S", "O", "N", "Q"}


def navigation(context: bpy.types.Context, event: bpy.types.Event) -> str:
    """What a pressed button does to the look: "TURN", "ALONE", "PAN", "ZOOM"; empty for others."""
    emulated = context.preferences.inputs.use_mouse_emulate_3_button and event.alt
    button = event.type == "MIDDLEMOUSE" or (event.type == "LEFTMOUSE" and emulated)
    if not button or event.value != "PRESS":
        return ""
    if event.shift or event.ctrl:
        return "PAN" if event.shift else "ZOOM"
    return "ALONE" if event.alt and event.type == "MIDDLEMOUSE" else "TURN"


def go(pane: session.Pane, way: str, by: tuple[float, float], about: tuple[float, float]) -> None:
    """Turn, shift or enlarge a look by so many pixels; zooming keeps what lies at ``about``."""
    if way in {"TURN", "ALONE"}:
        session.turn(pane, -by[0] * ORBIT, -by[1] * ORBIT, way == "ALONE")
    elif way == "PAN":
        pane.view = pane.view.moved(*by)
    else:
        pane.view = pane.view.zoomed(math.exp(by[1] * ORBIT), *about)


def key(
    context: bpy.types.Context, transfer: Any, event: bpy.types.Event, here: tuple[float, float]
) -> None:
    pane = SESSION.pane_at(*here)
    if pane is None:
        return
    kind = event.type
    if kind in {"WHEELUPMOUSE", "WHEELDOWNMOUSE"}:
        pane.view = pane.view.zoomed(WHEEL if kind == "WHEELUPMOUSE" else 1 / WHEEL, *here)
    elif kind == "TRACKPADPAN":
        by = (event.mouse_x - event.mouse_prev_x, event.mouse_y - event.mouse_prev_y)
        go(pane, "PAN" if event.shift else "ZOOM" if event.ctrl else "TURN", by, here)
    elif kind == "TRACKPADZOOM":
        go(pane, "ZOOM", (0.0, float(event.mouse_x - event.mouse_prev_x)), here)
    elif kind in SIDE_KEYS:
        yaw, pitch = SIDE_KEYS[kind]
        back = (yaw + math.pi, pitch) if kind == "NUMPAD_1" else (-yaw, -pitch)
        yaw, pitch = back if event.ctrl else (yaw, pitch)
        session.turn(pane, yaw - pane.yaw, pitch - pane.pitch, event.alt)
    elif kind == "HOME":
        session.frame_all(transfer)
    elif kind in {"NUMPAD_PERIOD", "PERIOD"}:
        session.frame_pairs(transfer, selected(transfer))
    else:
        _letter(context, transfer, event)
    session.point_at(context, transfer, *here, event.ctrl)


def _letter(context: bpy.types.Context, transfer: Any, event: bpy.types.Event) -> None:
    kind = event.type
    if kind == "TAB":
        switch(context, "EDIT" if SESSION.mode == "ADD" else "ADD")
    elif kind in {"X", "DEL"}:
        edits.delete_selected(transfer)
    elif kind == "A":
        select(transfer, [] if event.alt else range(len(transfer.pairs)))
    elif kind == "N":
        session.choose_name(transfer, -1 if event.shift else 1)
    elif kind == "M":
        transfer.pick_mirrored = not transfer.pick_mirrored
    elif kind == "S":
        transfer.pick_snapped = not transfer.pick_snapped
    elif kind == "L":
        transfer.show_loupe = not transfer.show_loupe
    elif kind == "BACK_SPACE":
        SESSION.pending = None


def is_undo(event: bpy.types.Event) -> bool:
    """Whether undo or redo is asked for."""
    return event.type == "Z" and event.value == "PRESS" and (event.ctrl or event.oskey)


def undo(event: bpy.types.Event) -> set[str]:
    """Take back the first half of a pair; all else is for Blender's own undo."""
    if not event.shift and SESSION.pending is not None:
        SESSION.pending = None
        return {"RUNNING_MODAL"}
    return {"PASS_THROUGH"}


def is_passed(event: bpy.types.Event) -> bool:
    """Whether Blender is to have a key: saving and the like."""
    held = event.ctrl or event.oskey
    return bool(held and event.type in PASSED_WITH_CTRL) or event.type == "F11"

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the header and the status bar say while pairs are picked."""

from __future__ import annotations

from typing import Any

from bpy.app import translations

from ..core.retarget.landmarks import NAMES
from ..scene.correspondences import DRIVER
from .correspondence_session import SESSION

ON_DRIVER = "Click {name} on the OpenMouth mesh"
ON_DRIVER_HINTED = "Click {name} on the OpenMouth mesh, or on the target where the ring is right"
ON_TARGET = "Click {name} on the target"
CLICK = "Click {name}"
EDITING = "Drag points along their surfaces"
COUNT = "Pairs: {count} of {all}"


def _translated(text: str) -> str:
    return str(translations.pgettext_iface(text))


def header(transfer: Any) -> str:
    """What is due, how far it is, and what went wrong last."""
    count = _translated(COUNT).format(count=len(transfer.pairs), all=len(NAMES))
    said = SESSION.said
    parts = [due_text(), count]
    if said:
        parts.append(_translated(said))
    return "      ".join(parts)


def due_text() -> str:
    """The next click, as a sentence."""
    if SESSION.mode != "ADD":
        return _translated(EDITING)
    name = _translated(SESSION.name)
    if SESSION.due == DRIVER:
        return _translated(ON_DRIVER_HINTED if SESSION.hint is not None else ON_DRIVER).format(
            name=name
        )
    return _translated(ON_TARGET).format(name=name)


def click_text() -> str:
    """The point that is due, in a few words."""
    return _translated(CLICK).format(name=_translated(SESSION.name))


def status(header: Any, context: Any) -> None:
    """Keys and buttons, as Blender's own tools show them in the status bar."""
    row = header.layout.row(align=False)
    if SESSION.mode == "ADD":
        row.label(text="Pick", icon="MOUSE_LMB")
        row.label(text="Next Name", icon="EVENT_N")
        row.label(text="Edit", icon="EVENT_TAB")
    else:
        row.label(text="Select and Drag", icon="MOUSE_LMB_DRAG")
        row.label(text="Extend", icon="EVENT_SHIFT")
        row.label(text="Delete", icon="EVENT_X")
        row.label(text="Add", icon="EVENT_TAB")
    row.label(text="Turn", icon="MOUSE_MMB_DRAG")
    row.label(text="Turn One", icon="EVENT_ALT")
    row.label(text="Snap", icon="EVENT_S")
    row.label(text="Invert Snap", icon="EVENT_CTRL")
    row.label(text="Mirrored", icon="EVENT_M")
    row.label(text="Loupe", icon="EVENT_L")
    row.label(text="Frame Selected", icon="EVENT_PERIOD")
    row.label(text="Frame All", icon="EVENT_HOME")
    row.label(text="Leave", icon="EVENT_ESC")

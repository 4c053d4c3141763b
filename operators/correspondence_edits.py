# SPDX-License-Identifier: GPL-3.0-or-later
"""What picking changes: pairs added, moved, deleted and selected, one step of undo for each."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.errors import UserError
from ..core.retarget.landmarks import mirrored
from ..core.retarget.picking import Spot
from ..properties.ids import free_name
from ..scene.correspondence_picking import Pickable
from ..scene.correspondences import (
    DRIVER,
    TARGET,
    add_pair,
    remove_pairs,
    select,
    selected,
    set_spot,
    spot_of,
)
from .correspondence_session import SESSION, Drag, choose_name

NO_SURFACE = "There is no surface below the pointer"
DRIVER_FIRST = "Pick on the OpenMouth mesh first"


def add(
    transfer: Any,
    name: str,
    spots: tuple[Spot, Spot],
    shapes: tuple[Pickable, Pickable] | None = None,
) -> list[str]:
    """Add a pair and, with ``shapes`` (driver, target), its mirror image; what could not be done.

    Nothing is added twice: where the other side has the pair already, or the point lies in the
    middle, there is no mirror image.
    """
    remarks: list[str] = []
    if shapes is not None:
        try:
            _add_mirrored(transfer, name.strip(), spots, shapes)
        except UserError as error:
            remarks.append(" ".join(str(error).split()))
    add_pair(transfer, free_name(transfer.pairs, name.strip() or "Point"), *spots)
    return remarks


def _add_mirrored(
    transfer: Any, name: str, spots: tuple[Spot, Spot], shapes: tuple[Pickable, Pickable]
) -> None:
    driver, target = (shape.mirrored(spot) for shape, spot in zip(shapes, spots, strict=True))
    if driver is None or target is None:
        return
    other = mirrored(name)
    there = {pair.name for pair in transfer.pairs}
    if other != name and other in there:
        return
    add_pair(transfer, free_name(transfer.pairs, other or "Point"), driver, target)


def pick(transfer: Any) -> None:
    """Take the point below the pointer: the first of a pair, or the second, which adds it."""
    spot = SESSION.preview
    SESSION.said = ""
    if spot is None:
        SESSION.said = NO_SURFACE
        return
    if SESSION.over == DRIVER:
        SESSION.pending = spot
        return
    driver = SESSION.pending or SESSION.hint
    if driver is None:
        SESSION.said = DRIVER_FIRST
        return
    shapes = (SESSION.panes[DRIVER].shape, SESSION.panes[TARGET].shape)
    remarks = add(
        transfer, SESSION.name, (driver, spot), shapes if transfer.pick_mirrored else None
    )
    SESSION.pending = None
    SESSION.said = " ".join(remarks)
    choose_name(transfer)
    push("Add Correspondence")


def grab(transfer: Any, extend: bool) -> None:
    """Select the pair below the pointer and take hold of its point; beside one, select none."""
    SESSION.said = ""
    place = SESSION.hot
    if extend:
        toggle(transfer, place)
        return
    if place < 0:
        select(transfer, [])
        return
    if not transfer.pairs[place].select:
        select(transfer, [place])
    transfer.active_pair = place
    SESSION.drag = Drag(SESSION.over, place, spot_of(transfer.pairs[place], SESSION.over))


def toggle(transfer: Any, place: int) -> None:
    """Select a pair besides the others, or no more."""
    if place < 0:
        return
    pair = transfer.pairs[place]
    pair.select = not pair.select
    if pair.select:
        transfer.active_pair = place


def drag_to(transfer: Any, spot: Spot | None) -> None:
    """Move the point that is held; beside the mesh it stays where it was last."""
    drag = SESSION.drag
    if drag is not None and spot is not None and drag.place < len(transfer.pairs):
        set_spot(transfer.pairs[drag.place], drag.side, spot)


def drop(transfer: Any, moved: bool) -> None:
    """Let go: the point stays, or goes back where it was not really moved."""
    drag, SESSION.drag = SESSION.drag, None
    if drag is None or drag.place >= len(transfer.pairs):
        return
    if moved:
        push("Move Correspondence")
        return
    set_spot(transfer.pairs[drag.place], drag.side, drag.before)
    select(transfer, [drag.place])


def cancel_drag(transfer: Any) -> None:
    """The point goes back."""
    drag, SESSION.drag = SESSION.drag, None
    if drag is not None and transfer is not None and drag.place < len(transfer.pairs):
        set_spot(transfer.pairs[drag.place], drag.side, drag.before)


def delete_selected(transfer: Any) -> None:
    """Take the selected pairs away."""
    if remove_pairs(transfer, selected(transfer)):
        choose_name(transfer)
        push("Delete Correspondences")


def push(message: str) -> None:
    """End a step that can be taken back by itself."""
    bpy.ops.ed.undo_push(message=message)

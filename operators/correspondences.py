# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs added, deleted and selected, by buttons and by scripts without a window."""

from __future__ import annotations

import time
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatVectorProperty, IntProperty, StringProperty

from ..core.errors import UserError
from ..core.retarget.picking import nearest
from ..scene.correspondence_picking import hints_for, pickable
from ..scene.correspondences import (
    SIDES,
    check_topologies,
    mesh_of,
    remove_pairs,
    select,
    selected,
)
from . import correspondence_session as session
from .correspondence_edits import add, toggle
from .correspondence_session import SESSION
from .explained import Explained
from .faults import attempt
from .transfer_status import busy, meshes_problem, shown_transfer


def picking_problem(context: bpy.types.Context) -> str:
    """Why pairs cannot be picked, loaded or saved now, as one phrase; empty when they can."""
    return busy(context) or meshes_problem(shown_transfer(context))


class OfMeshes(Explained):
    """For operators that need a transfer with its meshes."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return picking_problem(context)


class _OfPairs(Explained):
    """For operators that need pairs."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        transfer = shown_transfer(context)
        if transfer is None or not len(transfer.pairs):
            return "There are no pairs yet"
        return busy(context)


class FACEWRIGHT_OT_add_pair(OfMeshes, bpy.types.Operator):
    """Add a pair at the surfaces next to two places in the world, for scripts"""

    bl_idname = "facewright.add_pair"
    bl_label = "Add Correspondence"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    name: StringProperty(name="Name", description="What the point is, such as Chin", maxlen=60)
    driver_point: FloatVectorProperty(
        name="Driver Point",
        description="Place next to the OpenMouth mesh; unset where the name says it",
        subtype="XYZ_LENGTH",
    )
    target_point: FloatVectorProperty(
        name="Target Point", description="Place next to the target", subtype="XYZ_LENGTH"
    )
    mirrored: BoolProperty(
        name="Mirrored",
        description="Add the same pair on the other side of both meshes too",
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = shown_transfer(context)

        def work() -> None:
            check_topologies(transfer)
            shapes = [pickable(mesh_of(transfer, side)) for side in SIDES]
            target = nearest(shapes[1].mesh, self.target_point)
            driver = self._driver_spot(transfer, shapes[0])
            pair = (shapes[0], shapes[1])
            name = self.name or "Point"
            for remark in add(transfer, name, (driver, target), pair if self.mirrored else None):
                self.report({"WARNING"}, remark)

        return attempt(self, work)

    def _driver_spot(self, transfer: Any, shape: Any) -> Any:
        if self.properties.is_property_set("driver_point"):
            return nearest(shape.mesh, self.driver_point)
        known = hints_for(transfer.driver)
        if self.name not in known:
            raise UserError(
                f"Where '{self.name}' lies on the driver is not known.", "Give a driver_point."
            )
        return known[self.name]


class FACEWRIGHT_OT_delete_pairs(_OfPairs, bpy.types.Operator):
    """Delete the selected pairs"""

    bl_idname = "facewright.delete_pairs"
    bl_label = "Delete Selected"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        missing = super().disabled_reason(context)
        if missing or selected(shown_transfer(context)):
            return missing
        return "Select pairs in the list first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = shown_transfer(context)
        count = remove_pairs(transfer, selected(transfer))
        _after(transfer)
        self.report({"INFO"}, f"{count} pair{'s' * (count != 1)} deleted.")
        return {"FINISHED"}


class FACEWRIGHT_OT_clear_pairs(_OfPairs, bpy.types.Operator):
    """Delete all pairs of this transfer; meshes and settings stay"""

    bl_idname = "facewright.clear_pairs"
    bl_label = "Delete All Correspondences"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found: set[str] = context.window_manager.invoke_confirm(self, event)
        return found

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = shown_transfer(context)
        remove_pairs(transfer, range(len(transfer.pairs)))
        _after(transfer)
        return {"FINISHED"}


def _after(transfer: Any) -> None:
    """While pairs are picked, what is due follows."""
    if SESSION.running and SESSION.transfer_id == transfer.id:
        SESSION.drag, SESSION.hot, SESSION.name = None, -1, ""
        session.choose_name(transfer)


class FACEWRIGHT_OT_select_pair(_OfPairs, bpy.types.Operator):
    """Select the pair; Shift selects up to it, Ctrl adds or takes out, a double click shows it"""

    bl_idname = "facewright.select_pair"
    bl_label = "Select Correspondence"
    bl_options = {"UNDO", "INTERNAL"}

    place: IntProperty(name="Place", description="Place on the list", options={"SKIP_SAVE"})
    how: EnumProperty(
        name="How",
        description="What becomes of the others",
        items=(
            ("ONLY", "Only", "Select this pair alone"),
            ("RANGE", "Range", "Select all from the active pair to this one"),
            ("TOGGLE", "Toggle", "Select this one besides the others, or no more"),
        ),
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.how = "RANGE" if event.shift else "TOGGLE" if event.ctrl or event.oskey else "ONLY"
        outcome = self.execute(context)
        if self.how == "ONLY" and outcome == {"FINISHED"} and _is_second(context, self.place):
            frame_shown(context)
        return outcome

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = shown_transfer(context)
        if not 0 <= self.place < len(transfer.pairs):
            self.report({"ERROR"}, "There is no such pair.")
            return {"CANCELLED"}
        if self.how == "TOGGLE":
            toggle(transfer, self.place)
        elif self.how == "RANGE":
            first, last = sorted((min(transfer.active_pair, len(transfer.pairs) - 1), self.place))
            select(transfer, range(first, last + 1), transfer.active_pair)
        else:
            select(transfer, [self.place])
        return {"FINISHED"}


_clicked: dict[str, float] = {"place": -1.0, "at": 0.0}


def _is_second(context: bpy.types.Context, place: int) -> bool:
    """Whether this is the second click of a double click on the same pair."""
    now, inputs = time.monotonic(), context.preferences.inputs
    limit = getattr(inputs, "mouse_double_click_time", 350) / 1000
    second = _clicked["place"] == place and now - _clicked["at"] <= limit
    _clicked.update(place=-1.0 if second else place, at=now)
    return second


class FACEWRIGHT_OT_frame_pair(_OfPairs, bpy.types.Operator):
    """Bring the selected pairs to the middle of the view, of both meshes while they are picked"""

    bl_idname = "facewright.frame_pair"
    bl_label = "Frame Selected"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        frame_shown(context)
        return {"FINISHED"}


def frame_shown(context: bpy.types.Context) -> None:
    """Show the selected pairs: in both looks, or where the target stands in the viewport."""
    from .correspondence_look import centre_of

    transfer = shown_transfer(context)
    if SESSION.running:
        session.frame_pairs(transfer, selected(transfer))
    area: Any = context.area
    if area is None or area.type != "VIEW_3D":
        return
    middle = centre_of(transfer)
    if middle is not None and not SESSION.running:
        area.spaces.active.region_3d.view_location = middle
    area.tag_redraw()


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_add_pair,
        FACEWRIGHT_OT_delete_pairs,
        FACEWRIGHT_OT_clear_pairs,
        FACEWRIGHT_OT_select_pair,
        FACEWRIGHT_OT_frame_pair,
    )
)

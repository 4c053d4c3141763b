# SPDX-License-Identifier: GPL-3.0-or-later
"""The pose table of a conversion: selecting rows, using them, pairing them."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty

from ..properties import poses
from ..properties.changes import tell
from .conversion import OfConversion
from .conversion_status import shown_conversion

PAIR_KINDS = (
    ("cancel", "Cancel Pair", "Two poses that are never active together"),
    ("symmetry", "Symmetry Pair", "Two poses that are kept nearly equal"),
)


def selected(conversion: Any) -> list[int]:
    """Places of the selected rows."""
    return [place for place, pose in enumerate(conversion.poses) if pose.select]


def _select(conversion: Any, places: set[int], active: int | None = None) -> None:
    for place, pose in enumerate(conversion.poses):
        pose.select = place in places
    if active is not None:
        conversion.active_pose = active


class OfPoses(OfConversion):
    """For operators that need rows."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context)
        if reason:
            return reason
        conversion = shown_conversion(context)
        there = conversion.target is not None and len(conversion.poses)
        return "" if there else "Choose a blend shape mesh first"


class _OfSelected(OfPoses):
    """For operators that need selected rows."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context)
        if reason:
            return reason
        return "" if selected(shown_conversion(context)) else "Select poses in the list first"


class FACEWRIGHT_OT_select_pose(OfPoses, bpy.types.Operator):
    """Select the pose; Shift selects up to it, Ctrl adds or takes out"""

    bl_idname = "facewright.select_pose"
    bl_label = "Select Pose"
    bl_options = {"UNDO", "INTERNAL"}

    place: IntProperty(name="Place", description="Place on the list", options={"SKIP_SAVE"})
    how: EnumProperty(
        name="How",
        description="What becomes of the others",
        items=(
            ("ONLY", "Only", "Select this pose alone"),
            ("RANGE", "Range", "Select all from the active pose to this one"),
            ("TOGGLE", "Toggle", "Select this one besides the others, or no more"),
        ),
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.how = "RANGE" if event.shift else "TOGGLE" if event.ctrl or event.oskey else "ONLY"
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        conversion = shown_conversion(context)
        count = len(conversion.poses)
        if not 0 <= self.place < count:
            self.report({"ERROR"}, "There is no such pose.")
            return {"CANCELLED"}
        if self.how == "TOGGLE":
            chosen = set(selected(conversion)) ^ {self.place}
            _select(conversion, chosen, self.place if self.place in chosen else None)
        elif self.how == "RANGE":
            first, last = sorted((min(conversion.active_pose, count - 1), self.place))
            _select(conversion, set(range(first, last + 1)))
        else:
            _select(conversion, {self.place}, self.place)
        return {"FINISHED"}


class FACEWRIGHT_OT_select_poses(OfPoses, bpy.types.Operator):
    """Select all poses, none, or those that are not selected"""

    bl_idname = "facewright.select_poses"
    bl_label = "Select Poses"
    bl_options = {"REGISTER", "UNDO"}

    which: EnumProperty(
        name="Which",
        description="Which poses become selected",
        items=(
            ("ALL", "All", "All poses"),
            ("NONE", "None", "No pose"),
            ("INVERT", "Invert", "Those that are not selected now"),
        ),
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        conversion = shown_conversion(context)
        everything = set(range(len(conversion.poses)))
        chosen = {"ALL": everything, "NONE": set()}.get(
            self.which, everything - set(selected(conversion))
        )
        _select(conversion, chosen)
        return {"FINISHED"}


class FACEWRIGHT_OT_toggle_poses(_OfSelected, bpy.types.Operator):
    """Use the selected poses, or no longer where all of them are in use"""

    bl_idname = "facewright.toggle_poses"
    bl_label = "Toggle Use"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        conversion = shown_conversion(context)
        rows = [conversion.poses[place] for place in selected(conversion)]
        use = not all(row.use for row in rows)
        for row in rows:
            row.use = use
        return {"FINISHED"}


def _kind() -> Any:
    return EnumProperty(name="Kind", description="Which kind of pair", items=PAIR_KINDS)


class FACEWRIGHT_OT_pair_poses(_OfSelected, bpy.types.Operator):
    """Make the two selected poses a pair; partners of before lose theirs"""

    bl_idname = "facewright.pair_poses"
    bl_label = "Tag as Pair"
    bl_options = {"REGISTER", "UNDO"}

    kind: _kind()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context)
        if reason:
            return reason
        two = len(selected(shown_conversion(context))) == 2
        return "" if two else "Select exactly two poses"

    def execute(self, context: bpy.types.Context) -> set[str]:
        conversion = shown_conversion(context)
        poses.pair(conversion, self.kind, selected(conversion))
        return {"FINISHED"}


class FACEWRIGHT_OT_unpair_poses(_OfSelected, bpy.types.Operator):
    """Take the selected poses out of their pairs"""

    bl_idname = "facewright.unpair_poses"
    bl_label = "Untag Pair"
    bl_options = {"REGISTER", "UNDO"}

    kind: _kind()

    def execute(self, context: bpy.types.Context) -> set[str]:
        conversion = shown_conversion(context)
        if not poses.unpair(conversion, self.kind, selected(conversion)):
            self.report({"INFO"}, "None of the selected poses is in such a pair.")
        return {"FINISHED"}


class FACEWRIGHT_OT_pair_names(OfPoses, bpy.types.Operator):
    """Pair left with right, and ways that exclude each other, by the names of the poses"""

    bl_idname = "facewright.pair_names"
    bl_label = "Find Pairs by Name"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        made = poses.pair_by_names(shown_conversion(context))
        self.report({"INFO"}, f"{made} new pair{'s' * (made != 1)} found.")
        return {"FINISHED"}


class FACEWRIGHT_OT_reset_poses(_OfSelected, bpy.types.Operator):
    """Give the selected poses their defaults: in use, no pairs, multiplier 1, offset 0"""

    bl_idname = "facewright.reset_poses"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        conversion = shown_conversion(context)
        places = selected(conversion)
        for kind in poses.KINDS:
            poses.unpair(conversion, kind, places)
        for place in places:
            poses.reset(conversion.poses[place])
        tell(conversion, "poses")
        return {"FINISHED"}


class FACEWRIGHT_OT_suit_poses(OfConversion, bpy.types.Operator):
    """Give the list the rows of the mesh's present shape keys; settings stay with their names"""

    bl_idname = "facewright.suit_poses"
    bl_label = "Update Poses"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        poses.suit_mesh(shown_conversion(context))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_select_pose,
        FACEWRIGHT_OT_select_poses,
        FACEWRIGHT_OT_toggle_poses,
        FACEWRIGHT_OT_pair_poses,
        FACEWRIGHT_OT_unpair_poses,
        FACEWRIGHT_OT_pair_names,
        FACEWRIGHT_OT_reset_poses,
        FACEWRIGHT_OT_suit_poses,
    )
)

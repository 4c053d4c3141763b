# SPDX-License-Identifier: GPL-3.0-or-later
"""Character transfers of a scene: add, delete, the meshes they begin with."""

from __future__ import annotations

from typing import Any

import bpy

from ..properties.progress import STATE
from ..properties.transfer import MESH_FIELDS, PART_FIELDS
from ..scene.joints import PART
from ..scene.transfer_meshes import (
    fitted_by,
    make_neutral,
    remove_objects,
    results_of,
    show_again,
)
from .explained import Explained
from .faults import attempt
from .head import add_head_for, come_near, not_now
from .transfer_status import busy, shown_transfer


class FACEWRIGHT_OT_add_transfer(Explained, bpy.types.Operator):
    """Begin to bring another head to life; the active mesh becomes its target"""

    bl_idname = "facewright.add_transfer"
    bl_label = "New Character Transfer"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "Wait until the running job is done" if STATE.running else not_now(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        obj = context.active_object
        drivers = [each.driver for each in chosen.transfers]
        is_target = (
            obj is not None
            and obj.type == "MESH"
            and obj.select_get()
            and PART not in obj
            and obj not in drivers
        )
        transfer = chosen.add_transfer(obj.name if is_target and obj else "Transfer")
        if is_target:
            transfer.target = obj
        return {"FINISHED"}


class FACEWRIGHT_OT_add_driver(Explained, bpy.types.Operator):
    """Add the male template as driver, neutral and, for picking pairs, with an open mouth"""

    bl_idname = "facewright.add_driver"
    bl_label = "Male Template"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        outcome = self.execute(context)
        if "FINISHED" in outcome:
            come_near(context)
        return outcome

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen: Any = context.scene.facewright
        pipeline = chosen.pipeline or chosen.add_pipeline("Core", chosen.add_player("Player"))
        if not add_head_for(self, context, pipeline):
            return {"CANCELLED"}
        return attempt(self, lambda: self._wire(context))

    def _wire(self, context: bpy.types.Context) -> None:
        from ..scene.template_head import add_open_mouth

        transfer = shown_transfer(context)
        transfer.driver = context.view_layer.objects.active
        transfer.open_mouth = add_open_mouth(transfer.driver, context.collection)


class FACEWRIGHT_OT_add_sample_target(Explained, bpy.types.Operator):
    """Add a head without any shapes, to try a transfer with; its pairs are a preset"""

    bl_idname = "facewright.add_sample_target"
    bl_label = "Sample Target"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: self._add(context))

    def _add(self, context: bpy.types.Context) -> None:
        from ..scene.sample_target import add_sample_target
        from ..scene.template_head import free_place

        place = free_place(context.scene, context.scene.cursor.location)
        parts = add_sample_target(context.collection, place)
        transfer = shown_transfer(context)
        transfer.target = parts["skin"]
        for name in PART_FIELDS:
            setattr(transfer, name, parts.get(name))
        transfer.others.clear()
        for name in ("lashes", "brows"):
            if name in parts:
                transfer.others.add().object = parts[name]


class FACEWRIGHT_OT_delete_setup(Explained, bpy.types.Operator):
    """Delete the transfer, its pairs, fitted mesh and wrap; generated shape keys stay, at rest"""

    bl_idname = "facewright.delete_setup"
    bl_label = "Delete Setup"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return attempt(self, lambda: delete_setup(context.scene, shown_transfer(context)))


def delete_setup(scene: Any, transfer: Any) -> None:
    """Take a transfer away with all it has made but generated shape keys; meshes go back to rest.

    The driver stays. So does what another transfer still uses, and an OpenMouth mesh that the
    template's button has not made.
    """
    from ..scene.template_head import OPEN_MOUTH

    used = _used_by_others(transfer)
    made = [*results_of(transfer.id), *fitted_by(transfer.id)]
    if transfer.open_mouth is not None and OPEN_MOUTH in transfer.open_mouth:
        made.append(transfer.open_mouth)
    made = [obj for obj in made if obj not in used]
    kept = [transfer.driver, transfer.target, *(getattr(transfer, name) for name in PART_FIELDS)]
    kept += [each.object for each in transfer.others]
    show_again(transfer.id)
    remove_objects(made)
    for obj in kept:
        if obj is not None:
            make_neutral(obj)
    scene.facewright.remove_transfer(transfer)


def _used_by_others(transfer: Any) -> set[Any]:
    """The meshes that transfers of any scene beside this one begin with."""
    scenes: Any = bpy.data.scenes
    others = [each for scene in scenes for each in scene.facewright.transfers]
    return {getattr(each, name) for each in others if each != transfer for name in MESH_FIELDS}


class FACEWRIGHT_OT_add_followers(Explained, bpy.types.Operator):
    """Let the selected meshes, such as brows, lashes and beard, follow the target's skin"""

    bl_idname = "facewright.add_followers"
    bl_label = "Add Selected"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = busy(context)
        if reason:
            return reason
        return "" if _new_followers(context) else "Select meshes beside the target"

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = shown_transfer(context)
        for obj in _new_followers(context):
            transfer.others.add().object = obj
        transfer.active_other = len(transfer.others) - 1
        return {"FINISHED"}


def _new_followers(context: bpy.types.Context) -> list[bpy.types.Object]:
    transfer = shown_transfer(context)
    fields = (*MESH_FIELDS, "result", *PART_FIELDS)
    taken = [getattr(transfer, name) for name in fields]
    taken += [each.object for each in transfer.others]
    return [o for o in context.selected_objects if o.type == "MESH" and o not in taken]


class FACEWRIGHT_OT_remove_follower(Explained, bpy.types.Operator):
    """Let the chosen mesh no longer follow the target's skin"""

    bl_idname = "facewright.remove_follower"
    bl_label = "Remove Mesh"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = busy(context)
        return reason or ("" if len(shown_transfer(context).others) else "There is no such mesh")

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = shown_transfer(context)
        transfer.others.remove(min(transfer.active_other, len(transfer.others) - 1))
        transfer.active_other = max(0, transfer.active_other - 1)
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        FACEWRIGHT_OT_add_transfer,
        FACEWRIGHT_OT_add_driver,
        FACEWRIGHT_OT_add_sample_target,
        FACEWRIGHT_OT_delete_setup,
        FACEWRIGHT_OT_add_followers,
        FACEWRIGHT_OT_remove_follower,
    )
)

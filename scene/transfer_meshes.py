# SPDX-License-Identifier: GPL-3.0-or-later
"""The meshes that a character transfer makes: the fitted mesh, and the copies that speak.

The target and its parts are only hidden, never changed: deleting a setup shows them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray
from ..core.retarget.marks import FITTED, HIDDEN, RESULT
from .follow_modifier import is_follow_group
from .joints import world
from .retarget_meshes import to_local
from .wrap_nodes import is_wrap_group


def new_fitted(
    driver: bpy.types.Object, target: bpy.types.Object, points: AnyArray, transfer_id: str
) -> bpy.types.Object:
    """A mesh of the driver's topology at points (V, 3) of the world, standing as the target.

    It is hidden: who wants to see it shows it.
    """
    title = f"{target.name}_fitted"
    mesh = _bare_copy(driver.data)
    mesh.name = title
    fitted = bpy.data.objects.new(title, mesh)
    fitted[FITTED] = transfer_id
    for collection in target.users_collection:
        collection.objects.link(fitted)
    fitted.matrix_world = _matrix(target)
    local = to_local(fitted, points).astype(np.float32)
    mesh.vertices.foreach_set("co", local.ravel())
    mesh.update()
    fitted.hide_viewport = fitted.hide_render = True
    return fitted


def _bare_copy(source: Any) -> Any:
    """A mesh's faces without shape keys, materials, and what else it carries."""
    copy = source.copy()
    holder = bpy.data.objects.new("", copy)
    if copy.shape_keys is not None:
        holder.shape_key_clear()
    bpy.data.objects.remove(holder)
    copy.materials.clear()
    copy.animation_data_clear()
    for key in tuple(copy.keys()):
        del copy[key]
    return copy


def _matrix(obj: bpy.types.Object) -> Any:
    from mathutils import Matrix

    return Matrix(world(obj).tolist())


def new_result(obj: bpy.types.Object, transfer_id: str) -> bpy.types.Object:
    """The copy ``<name>_result`` of a mesh, where and as it stands; the mesh itself is hidden.

    Its modifiers come along, its shape keys and animation do not.
    """
    copy = obj.copy()
    copy.data = obj.data.copy()
    if copy.data.shape_keys is not None:
        copy.shape_key_clear()
    copy.animation_data_clear()
    copy.name = copy.data.name = f"{obj.name}_result"
    for key in (HIDDEN, FITTED):
        if key in copy:
            del copy[key]
    copy[RESULT] = transfer_id
    for collection in obj.users_collection:
        collection.objects.link(copy)
    hide(obj, transfer_id)
    return copy


def hide(obj: bpy.types.Object, transfer_id: str) -> None:
    """Hide what a copy stands for, unless the user has hidden it already."""
    if not obj.hide_viewport:
        obj[HIDDEN] = transfer_id
        obj.hide_viewport = obj.hide_render = True


def show_again(transfer_id: str) -> None:
    """Show what the transfer has hidden."""
    for obj in bpy.data.objects:
        if obj.get(HIDDEN) == transfer_id:
            obj.hide_viewport = obj.hide_render = False
            del obj[HIDDEN]


def results_of(transfer_id: str) -> Iterator[bpy.types.Object]:
    """The copies that a transfer has made."""
    return (obj for obj in bpy.data.objects if obj.get(RESULT) == transfer_id)


def hide_results(transfer_id: str) -> None:
    """Hide the copies that a transfer has made."""
    for obj in results_of(transfer_id):
        obj.hide_viewport = obj.hide_render = True


def remove_objects(objects: Iterable[bpy.types.Object]) -> None:
    """Delete objects with their meshes, where nobody else uses those, and our own node groups."""
    groups = set()
    for obj in tuple(objects):
        nodes = [each for each in obj.modifiers if each.type == "NODES"]
        groups |= {each.node_group for each in nodes if is_ours(each.node_group)}
        mesh = obj.data
        bpy.data.objects.remove(obj)
        if isinstance(mesh, bpy.types.Mesh) and not mesh.users:
            bpy.data.meshes.remove(mesh)
    for group in groups:
        if not group.users:
            bpy.data.node_groups.remove(group)


def is_ours(group: Any) -> bool:
    """Whether a node group is the wrap's or one that lets parts follow."""
    return is_wrap_group(group) or is_follow_group(group)


def fitted_by(transfer_id: str) -> Iterator[bpy.types.Object]:
    """The fitted meshes that a transfer has made."""
    return (obj for obj in bpy.data.objects if obj.get(FITTED) == transfer_id)


def make_neutral(obj: bpy.types.Object) -> None:
    """Bring a mesh's shape keys back to rest."""
    keys: Any = getattr(obj.data, "shape_keys", None)
    for block in keys.key_blocks if keys is not None and keys.is_editable else ():
        block.value = 0.0

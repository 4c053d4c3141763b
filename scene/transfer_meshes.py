# SPDX-License-Identifier: GPL-3.0-or-later
"""The meshes that a character transfer makes: the fitted mesh, and the copies that speak.

The target and its parts are only hidden, never changed: deleting a setup shows them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray
from ..core.retarget.marks import FITTED, HIDDEN, RESULT
from .blend_shapes import clear_shape_keys
from .follow_modifier import is_follow_group
from .joints import world
from .retarget_meshes import to_local
from .wrap_nodes import is_wrap_group


def new_fitted(
    driver: bpy.types.Object, target: bpy.types.Object, points: AnyArray, transfer_id: str
) -> bpy.types.Object:
    """A mesh of the driver's topology at points (V, 3) of the world; it goes where the target goes.

    It is hidden: who wants to see it shows it.
    """
    title = f"{target.name}_fitted"
    mesh = _bare_copy(driver.data)
    mesh.name = title
    fitted = bpy.data.objects.new(title, mesh)
    fitted[FITTED] = transfer_id
    for collection in target.users_collection:
        collection.objects.link(fitted)
    fitted.parent = target
    local = to_local(fitted, points).astype(np.float32)
    mesh.vertices.foreach_set("co", local.ravel())
    mesh.update()
    fitted.hide_viewport = fitted.hide_render = True
    return fitted


def _bare_copy(source: Any) -> Any:
    """A mesh's faces without shape keys, materials, and what else it carries."""
    copy = source.copy()
    holder = bpy.data.objects.new("", copy)
    clear_shape_keys(holder)
    bpy.data.objects.remove(holder)
    copy.materials.clear()
    copy.animation_data_clear()
    for key in tuple(copy.keys()):
        del copy[key]
    return copy


def go_along(fitted: bpy.types.Object, other: bpy.types.Object) -> None:
    """Let a fitted mesh go where another object goes: the target, or its copy.

    What hung on one of them hangs on the other in the same way; else it stays where it is.
    """
    if fitted.parent == other:
        return
    matrix = None if fitted.parent is not None else world(fitted)
    fitted.parent, fitted.parent_type = other, "OBJECT"
    if matrix is not None:
        fitted.matrix_parent_inverse = _matrix(np.linalg.inv(world(other)))
        fitted.matrix_basis = _matrix(matrix)


@contextmanager
def gone_along(fitted: bpy.types.Object, other: bpy.types.Object) -> Iterator[None]:
    """Meanwhile a fitted mesh stands where it would stand with another object."""
    parent = fitted.parent
    if parent is None:
        yield
        return
    go_along(fitted, other)
    try:
        yield
    finally:
        go_along(fitted, parent)


def _matrix(rows: AnyArray) -> Any:
    from mathutils import Matrix

    return Matrix(rows.tolist())


def join_family(copies: Mapping[bpy.types.Object, bpy.types.Object]) -> None:
    """Let each copy (by its original) go along with its parent's copy, so that who moves the head
    moves its teeth and eyes."""
    for original, copy in copies.items():
        parent = copies.get(original.parent) if original.parent is not None else None
        if parent is not None:
            copy.parent = parent  # the rest of how it hangs on its parent was copied


def _stay(obj: bpy.types.Object) -> None:
    """Take an object off its parent without moving it."""
    matrix = _matrix(world(obj))
    obj.parent = None
    obj.matrix_world = matrix


def new_result(obj: bpy.types.Object, transfer_id: str) -> bpy.types.Object:
    """The copy ``<name>_result`` of a mesh, where and as it stands; the mesh itself is hidden.

    Its modifiers come along, its shape keys and animation do not.
    """
    copy = obj.copy()
    copy.data = obj.data.copy()
    clear_shape_keys(copy)
    copy.animation_data_clear()
    name_result(copy, obj)
    if obj.get(HIDDEN) == transfer_id:
        copy.hide_viewport = copy.hide_render = False
    for key in (HIDDEN, FITTED):
        if key in copy:
            del copy[key]
    copy[RESULT] = transfer_id
    for collection in obj.users_collection:
        collection.objects.link(copy)
    hide(obj, transfer_id)
    return copy


def name_result(copy: bpy.types.Object, obj: bpy.types.Object) -> None:
    """Call a copy as it is to be called, where no other is called so."""
    copy.name = copy.data.name = f"{obj.name}_result"


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
    """Delete objects with their meshes, where nobody else uses those, and our own node groups.
    What hangs on them stays where it is."""
    groups = set()
    gone = set(objects)
    for child in bpy.data.objects:
        if child.parent in gone and child not in gone and child.library is None:
            _stay(child)
    for obj in gone:
        nodes = [each for each in obj.modifiers if each.type == "NODES"]
        groups |= {each.node_group for each in nodes if is_ours(each.node_group)}
        mesh = obj.data
        bpy.data.objects.remove(obj)
        if isinstance(mesh, bpy.types.Mesh) and not mesh.users:
            bpy.data.meshes.remove(mesh)
    for group in groups:
        if not group.users:
            bpy.data.node_groups.remove(group)


def remove_unused_groups() -> None:
    """Delete our node groups that nothing uses."""
    for group in tuple(bpy.data.node_groups):
        if is_ours(group) and not group.users and group.library is None:
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

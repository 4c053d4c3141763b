# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces from another file: made ready to be animated here, by library overrides.

Blender overrides objects, but leaves their meshes linked, and shape keys belong to the mesh.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..core.errors import UserError
from .joints import PART


def needs_override(obj: bpy.types.Object | None) -> bool:
    """Whether a face cannot be animated because it is linked, or its shape keys are."""
    if obj is None:
        return False
    key: Any = getattr(obj.data, "shape_keys", None)
    return not obj.is_editable or (key is not None and not key.is_editable)


def override_face(
    obj: bpy.types.Object, scene: bpy.types.Scene, layer: bpy.types.ViewLayer
) -> bpy.types.Object:
    """Make local overrides of a linked face and of its meshes; returns the face to animate.

    Raises UserError when Blender cannot make them.
    """
    face = obj
    if obj.library is not None:
        face = _overridden(obj, scene, layer)
    for part in (face, *face.children_recursive):
        data: Any = part.data
        key = getattr(data, "shape_keys", None)
        if key is not None and not key.is_editable:
            made = data.override_create(remap_local_usages=True)
            if made is None:
                raise UserError(f"The mesh of '{part.name}' cannot be overridden.")
    return face


def _overridden(
    obj: bpy.types.Object, scene: bpy.types.Scene, layer: bpy.types.ViewLayer
) -> bpy.types.Object:
    """The override of an object, with all that hangs together with it."""
    linked = next((c for c in obj.users_collection if c.library is not None), None)
    root: Any = linked if linked is not None else _root(obj)
    made = root.override_hierarchy_create(scene, layer)
    found = None
    if made is not None:
        for each in bpy.data.objects:
            if each.override_library is not None and each.override_library.reference == obj:
                found = each
    if found is None:
        raise UserError(
            f"'{obj.name}' cannot be overridden.", "Append it instead, or make it local."
        )
    if linked is not None:
        _unlink(linked)
    return found


def _root(obj: bpy.types.Object) -> bpy.types.Object:
    while obj.parent is not None and (PART in obj.parent or obj.parent.library == obj.library):
        obj = obj.parent
    return obj


def _unlink(collection: bpy.types.Collection) -> None:
    """Take the linked collection off the scenes: its override stands there instead."""
    roots = [scene.collection for scene in bpy.data.scenes if scene.library is None]
    for parent in (*roots, *(c for c in bpy.data.collections if c.library is None)):
        if collection.name in parent.children and parent.children[collection.name] == collection:
            parent.children.unlink(collection)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Modifiers by which a mesh is deformed from upstream: by another object, a file or nodes."""

from __future__ import annotations

from typing import Any

import bpy

from .wrap_modifier import is_wrap, remove_wrap

# Kind of modifier -> what it needs before it moves anything
SOURCES = {
    "SURFACE_DEFORM": "target",
    "MESH_DEFORM": "object",
    "MESH_CACHE": "filepath",
    "MESH_SEQUENCE_CACHE": "cache_file",
    "LAPLACIANDEFORM": "vertex_group",
    "SHRINKWRAP": "target",
    "ARMATURE": "object",
    "LATTICE": "object",
    "CURVE": "object",
    "HOOK": "object",
}
MOVING_NODES = {"GeometryNodeSetPosition", "GeometryNodeTransform"}


def deformers_of(obj: Any) -> list[Any]:
    """The modifiers that deform an object from upstream now, in the order of its stack."""
    return [each for each in obj.modifiers if _is_on(each) and _deforms(each)]


def _is_on(modifier: Any) -> bool:
    return bool(modifier.show_viewport or modifier.show_render)


def _deforms(modifier: Any) -> bool:
    if modifier.type == "NODES":
        group = modifier.node_group
        return group is not None and (is_wrap(modifier) or _moves(group, set()))
    source = SOURCES.get(modifier.type)
    return source is not None and bool(getattr(modifier, source))


def _moves(group: Any, seen: set[str]) -> bool:
    """Whether a node group, or one within it, gives vertices other places."""
    if group.name_full in seen:
        return False
    seen.add(group.name_full)
    for node in group.nodes:
        if node.bl_idname in MOVING_NODES:
            return True
        within = getattr(node, "node_tree", None)
        if within is not None and _moves(within, seen):
            return True
    return False


def take_away(modifiers: list[Any]) -> None:
    """Delete modifiers, wraps with all that they keep."""
    for modifier in modifiers:
        if is_wrap(modifier):
            remove_wrap(modifier)
        else:
            owner: bpy.types.Object = modifier.id_data
            owner.modifiers.remove(modifier)


def switch_off(modifiers: list[Any]) -> None:
    """Keep modifiers, but let them do nothing."""
    for modifier in modifiers:
        modifier.show_viewport = modifier.show_render = False

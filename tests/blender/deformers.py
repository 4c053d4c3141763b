# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that may deform a mesh already when it is to be wrapped."""

from __future__ import annotations

from typing import Any

import bpy
from wraps import ball


def foreign_nodes(obj: Any) -> Any:
    """Nodes of somebody else that move a mesh."""
    group = bpy.data.node_groups.new("Foreign", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    begin, end = group.nodes.new("NodeGroupInput"), group.nodes.new("NodeGroupOutput")
    move = group.nodes.new("GeometryNodeSetPosition")
    move.inputs["Offset"].default_value = (0, 0, 1)
    group.links.new(begin.outputs[0], move.inputs[0])
    group.links.new(move.outputs[0], end.inputs[0])
    modifier = obj.modifiers.new("Nodes", "NODES")
    modifier.node_group = group
    return modifier


def _with(kind: str, field: str, make: Any) -> Any:
    def deform(obj: Any) -> Any:
        modifier = obj.modifiers.new(kind.title(), kind)
        setattr(modifier, field, make(obj))
        return modifier

    return deform


def _rig(_obj: Any) -> Any:
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    return rig


def _lattice(_obj: Any) -> Any:
    lattice = bpy.data.objects.new("Lattice", bpy.data.lattices.new("Lattice"))
    bpy.context.scene.collection.objects.link(lattice)
    return lattice


def _cage(_obj: Any) -> Any:
    return ball("Cage", 8, 2.0)


def own_wrap(obj: Any) -> Any:
    """A wrap of ours on another driver, made with the tool; its fields are as before afterwards."""
    tool = bpy.context.scene.facewright.wrap
    listed, driver = tool.driven_objects, tool.driver
    tool.driven.clear()
    tool.driven.add().object = obj
    tool.driver = ball("Another", 10, 0.9)
    assert bpy.ops.facewright.wrap_begin() == {"FINISHED"}
    tool.driver = driver
    tool.driven.clear()
    for each in listed:
        tool.driven.add().object = each
    return obj.modifiers[0]


def _group(obj: Any) -> str:
    return obj.vertex_groups.new(name="Anchors").name


DEFORMERS = {
    "our wrap": own_wrap,
    "surface deform": _with("SURFACE_DEFORM", "target", _cage),
    "mesh deform": _with("MESH_DEFORM", "object", _cage),
    "mesh cache": _with("MESH_CACHE", "filepath", lambda _obj: "//moves.pc2"),
    "shrinkwrap": _with("SHRINKWRAP", "target", _cage),
    "laplacian deform": _with("LAPLACIANDEFORM", "vertex_group", _group),
    "armature": _with("ARMATURE", "object", _rig),
    "lattice": _with("LATTICE", "object", _lattice),
    "foreign nodes": foreign_nodes,
}

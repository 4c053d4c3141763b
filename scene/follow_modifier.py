# SPDX-License-Identifier: GPL-3.0-or-later
"""The node group "Facewright Follow": teeth and eyes that move as rigidly as the driver's own do.

Vertices with the attribute of their part go where

    after @ inverse(head now) @ part now @ before

takes them, where ``after`` leads from the space of the driver's head to the moved object's, and
``before`` from there to the part's own as it was at rest. It works without the extension.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray
from .node_builder import GEOMETRY, NodeBuilder, group_of, version_of
from .versions import set_input

NAME = "Facewright Follow"
VERSION = 1
VERSION_KEY = "facewright_follow_version"
PREFIX = "facewright_follow_"  # of attributes, before a part's name

HEAD = "Head"
PART = "Part"
ATTRIBUTE = "Attribute"
SIDES = ("Before", "After")
AXES = ("X", "Y", "Z", "Place")  # columns of a matrix


def add_follow(
    obj: bpy.types.Object,
    name: str,
    driver: tuple[bpy.types.Object, bpy.types.Object],
    matrices: tuple[AnyArray, AnyArray],
    vertices: AnyArray | None = None,
) -> Any:
    """Let a mesh's vertices, or all, follow a part of the driver; returns the modifier.

    ``driver`` is the driver's head and its part, ``matrices`` (4, 4) are before and after. The
    modifier stands before those that were there, as it moves the vertices that they see.
    """
    attribute = PREFIX + name
    _mark(obj, attribute, vertices)
    modifier: Any = obj.modifiers.new(f"{NAME} {name}", "NODES")
    modifier.node_group = follow_group()
    obj.modifiers.move(len(obj.modifiers) - 1, 0)
    set_input(modifier, HEAD, driver[0])
    set_input(modifier, PART, driver[1])
    set_input(modifier, ATTRIBUTE, attribute)
    for side, matrix in zip(SIDES, matrices, strict=True):
        for axis, column in zip(AXES, np.asarray(matrix).T, strict=True):
            set_input(modifier, f"{side} {axis}", tuple(map(float, column[:3])))
    obj.update_tag()
    modifier.show_expanded = False
    return modifier


def matrices_of(rest: AnyArray, over: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Before and after, from the part's place in its head at rest and the matrix ``over`` that
    leads from the head's space to the moved object's (all 4, 4)."""
    return np.linalg.inv(rest) @ np.linalg.inv(over), np.asarray(over)


def _mark(obj: bpy.types.Object, attribute: str, vertices: AnyArray | None) -> None:
    mesh: Any = obj.data
    layer = mesh.attributes.get(attribute) or mesh.attributes.new(attribute, "BOOLEAN", "POINT")
    chosen = np.zeros(len(mesh.vertices), bool)
    chosen[slice(None) if vertices is None else vertices] = True
    layer.data.foreach_set("value", chosen)


def is_follow_group(group: Any) -> bool:
    """Whether it is a group of ours, of any version."""
    return version_of(group, VERSION_KEY) is not None


def follow_group() -> Any:
    """The .blend's one group of this version, made where there is none."""
    return group_of(NAME, VERSION_KEY, VERSION, _fill)


def _fill(group: Any) -> None:
    _add_sockets(group.interface)
    _build(NodeBuilder(group))


def _add_sockets(interface: Any) -> None:
    def add(name: str, kind: str, about: str = "") -> None:
        socket = interface.new_socket(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
        socket.description = about

    add(GEOMETRY, "Geometry")
    add(HEAD, "Object", "The driver's head")
    add(PART, "Object", "The part of the driver that is followed, such as its lower denture")
    add(ATTRIBUTE, "String", "The vertices that follow")
    for side, about in zip(SIDES, ("To the part at rest", "From the driver's head"), strict=True):
        for axis in AXES:
            add(f"{side} {axis}", "Vector", about)
    interface.new_socket(GEOMETRY, in_out="OUTPUT", socket_type="NodeSocketGeometry")


def _build(builder: NodeBuilder) -> None:
    before, after = (_matrix(builder, side) for side in SIDES)
    head = builder.object_info(HEAD, "ORIGINAL", "Transform")
    part = builder.object_info(PART, "ORIGINAL", "Transform")
    within = builder.node(
        "FunctionNodeMatrixMultiply", builder.node("FunctionNodeInvertMatrix", head), part
    )
    motion = builder.node("FunctionNodeMatrixMultiply", within, before)
    motion = builder.node("FunctionNodeMatrixMultiply", after, motion)
    place = builder.node(
        "FunctionNodeTransformPoint", builder.node("GeometryNodeInputPosition"), motion
    )
    chosen = builder.attribute(builder.given[ATTRIBUTE], "BOOLEAN")
    builder.end(
        builder.node("GeometryNodeSetPosition", builder.given[GEOMETRY], chosen, place, None)
    )


def _matrix(builder: NodeBuilder, side: str) -> Any:
    """A matrix of the columns that the group is given."""
    node = builder.group.nodes.new("FunctionNodeCombineMatrix")
    for column, axis in enumerate(AXES):
        for row, number in enumerate(builder.parts(builder.given[f"{side} {axis}"])):
            builder.group.links.new(number, node.inputs[4 * column + row])
    return node.outputs[0]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry nodes from Python: groups of ours, and nodes by kind, linked as they are made.

Each kind of group has a custom property of its own, with the version of what its nodes do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

GEOMETRY = "Geometry"


def group_of(name: str, key: str, version: int, fill: Callable[[Any], object]) -> Any:
    """The .blend's one group of a kind and version; where there is none it is made and filled."""
    for group in bpy.data.node_groups:
        if group.library is None and version_of(group, key) == version:
            return group
    made: Any = bpy.data.node_groups.new(name, "GeometryNodeTree")
    made[key] = version
    made.is_modifier = True
    fill(made)
    return made


def version_of(group: Any, key: str) -> int | None:
    """The version of a group of a kind; None for another kind, or none."""
    found = None if group is None else group.get(key)
    return found if isinstance(found, int) else None


class NodeBuilder:
    """Adds nodes and links; what a method gives is the output of the node that it added."""

    def __init__(self, group: Any) -> None:
        self.group = group
        self.given = group.nodes.new("NodeGroupInput").outputs

    def end(self, result: Any) -> None:
        """Give the group its result, and put its nodes in order."""
        end = self.group.nodes.new("NodeGroupOutput")
        self.group.links.new(result, end.inputs[0])
        _lay_out(self.group)

    def node(self, kind: str, *inputs: Any, **options: Any) -> Any:
        """A node with its inputs in order; None leaves one alone. Its first output."""
        node = self.group.nodes.new(kind)
        for option, value in options.items():
            setattr(node, option, value)
        sockets = [socket for socket in node.inputs if socket.enabled]
        for socket, source in zip(sockets, inputs, strict=False):
            self._put(socket, source)
        return shown(node.outputs)

    def _put(self, socket: Any, source: Any) -> None:
        if isinstance(source, (int, float, str)):
            socket.default_value = source
        elif source is not None:
            self.group.links.new(source, socket)

    def parts(self, vector: Any) -> tuple[Any, Any, Any]:
        """The three numbers of a vector."""
        node = self.group.nodes.new("ShaderNodeSeparateXYZ")
        self.group.links.new(vector, node.inputs[0])
        return tuple(node.outputs)

    def object_info(self, name: str, space: str, output: str) -> Any:
        """What is known of the object that an input of the group names."""
        node = self.group.nodes.new("GeometryNodeObjectInfo")
        node.transform_space = space
        self.group.links.new(self.given[name], node.inputs["Object"])
        return node.outputs[output]

    def attribute(self, name: Any, kind: str, output: str = "") -> Any:
        """A named attribute of the geometry that the field is evaluated on; the name is a text or
        another node's output."""
        node = self.group.nodes.new("GeometryNodeInputNamedAttribute")
        node.data_type = kind
        self._put(node.inputs["Name"], name)
        return shown(node.outputs, output)


def shown(sockets: Any, name: str = "") -> Any:
    """The first socket, or that of a name, of those that a node shows."""
    return next(each for each in sockets if each.enabled and name in ("", each.name))


def _lay_out(group: Any) -> None:
    """Columns by how far each node is from the end, for whoever opens the group."""
    depth: dict[Any, int] = {}

    def visit(node: Any, at: int) -> None:
        if depth.get(node, -1) < at:
            depth[node] = at
            for link in group.links:
                if link.to_node == node:
                    visit(link.from_node, at + 1)

    visit(group.nodes[-1], 0)
    rows: dict[int, int] = {}
    for node in group.nodes:
        column = depth.get(node, 0)
        rows[column] = rows.get(column, 0) + 1
        node.location = (-220.0 * column, -180.0 * rows[column])

# SPDX-License-Identifier: GPL-3.0-or-later
"""The node group "Facewright Wrap": it lets a mesh follow the surface of another.

It lives in the .blend and needs nothing of the extension. Each vertex of the driven mesh knows the
triangle of the driver that it was bound to; `core.retarget.wrap` computes the same in numpy.

The driver is asked in its own space, so that Blender copies nothing of it and the normals that it
keeps are used; one matrix then leads to the driven mesh's space.
"""

from __future__ import annotations

from typing import Any

import bpy

from .node_builder import NodeBuilder, group_of, shown, version_of

NAME = "Facewright Wrap"
VERSION = 1  # of what the nodes do; groups of another version are replaced when they are met
VERSION_KEY = "facewright_wrap_version"

# Attributes of the driven mesh's points: a binding's name, "_" and one of these. A mesh that was
# wrapped twice has two bindings. Numbers of their own cost less than vectors to be taken apart.
CORNERS = ("a", "b", "c")  # vertices of the driver
SHARES = ("share_b", "share_c")  # barycentric; the first is what is left
OFFSETS = ("along", "side", "out")  # from the foot point, in the tangent frame
OBJECT = "object"  # the same in the driven mesh's own space, a vector
DISTANCE = "distance"  # from the driver's surface when bound, in the world
WEIGHT = "weight"  # how far a vertex follows, 0 to 1
SMOOTH = "smooth"  # how much the smoothing counts, 0 to 1
BINDING = "facewright_wrap"

# Inputs of the modifier
DRIVER = "Driver"
USE_MAX_DISTANCE = "Use Max Distance"
MAX_DISTANCE = "Max Distance"
FACE_TANGENT_SPACE = "Face Tangent Space"
SMOOTH_STEPS = "Smooth Steps"
SMOOTH_FACTOR = "Smooth Factor"
VERTICES = "Vertices"
DRIVER_VERTICES = "Driver Vertices"
SMOOTH_FRAMES = "Smooth Frames"
BINDING_NAME = "Binding"

MOST_STEPS = 100
BETWEEN = ";"  # around each of the numbers of vertices that a driver may have
_PLACE = "#"  # in texts that are filled in


def wrap_group() -> bpy.types.NodeTree:
    """The .blend's one group of this version, made where there is none."""
    found: bpy.types.NodeTree = group_of(NAME, VERSION_KEY, VERSION, _fill)
    return found


def _fill(group: Any) -> None:
    _add_sockets(group.interface)
    _Builder(group).build()


def is_wrap_group(group: Any) -> bool:
    """Whether it is a group of ours, of any version."""
    return version_of(group, VERSION_KEY) is not None


def _add_sockets(interface: Any) -> None:
    def add(name: str, kind: str, about: str = "", **options: Any) -> None:
        socket = interface.new_socket(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
        socket.description = about
        for option, value in options.items():
            setattr(socket, option, value)

    add("Geometry", "Geometry")
    add(DRIVER, "Object", "The mesh whose surface is followed")
    add(USE_MAX_DISTANCE, "Bool", "Leave what lies far from the driver where it is")
    add(
        MAX_DISTANCE, "Float", "Distance from the driver's surface, when bound, up to which "
        "vertices follow", min_value=0.0, subtype="DISTANCE",
    )  # fmt: skip
    add(
        FACE_TANGENT_SPACE, "Bool", "Vertices turn with the driver's surface; off keeps their "
        "distance in the mesh's own axes", default_value=True,
    )  # fmt: skip
    add(
        SMOOTH_STEPS, "Int", "How often the movement is smoothed", min_value=0, max_value=MOST_STEPS
    )
    add(
        SMOOTH_FACTOR, "Float", "How much neighbours count in each step",
        min_value=0.0, max_value=1.0, default_value=0.5, subtype="FACTOR",
    )  # fmt: skip
    add(VERTICES, "Int", "Vertices that the mesh had when it was bound", hide_in_modifier=True)
    add(
        DRIVER_VERTICES, "String", "Numbers of vertices with which the driver is the one that was "
        "bound", hide_in_modifier=True,
    )  # fmt: skip
    add(
        BINDING_NAME, "String", "What the names of the binding's attributes begin with",
        default_value=BINDING, hide_in_modifier=True,
    )  # fmt: skip
    add(
        SMOOTH_FRAMES, "Bool", "The frames were bound with smooth normals, not with the triangles'",
        default_value=True, hide_in_modifier=True,
    )  # fmt: skip
    interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")


class _Builder(NodeBuilder):
    """Fills the group."""

    def build(self) -> None:
        """Fill the empty group."""
        driver = self._driver("ORIGINAL", "Geometry")
        selected = self._selected()
        way = self._way(driver, selected)
        done = self.node("GeometryNodeSetPosition", self.given["Geometry"], selected, None, way)
        bound = self._bound(driver)
        result = self.switch("GEOMETRY", bound, self.given["Geometry"], done)
        self.end(result)

    # ---- what is computed ----------------------------------------------------------------------

    def _bound(self, driver: Any) -> Any:
        """Whether both meshes have the vertices with which they were bound."""
        mesh = {"component": "MESH"}
        count = self.node("GeometryNodeAttributeDomainSize", driver, **mesh)
        around = BETWEEN + _PLACE + BETWEEN
        number = self.filled(around, self.node("FunctionNodeValueToString", count))
        listed = self.given[DRIVER_VERTICES]
        rest = self.node("FunctionNodeReplaceString", listed, number)
        lengths = [self.node("FunctionNodeStringLength", each) for each in (rest, listed)]
        known = self.compare("INT", "LESS_THAN", *lengths)
        own = self.node("GeometryNodeAttributeDomainSize", self.given["Geometry"], **mesh)
        same = self.compare("INT", "EQUAL", own, self.given[VERTICES])
        return self.logic("AND", known, same)

    def _selected(self) -> Any:
        """The vertices that follow."""
        bound = self.bound(SHARES[0], "FLOAT", "Exists")
        distance = self.bound(DISTANCE, "FLOAT")
        near = self.compare("FLOAT", "LESS_EQUAL", distance, self.given[MAX_DISTANCE])
        near = self.logic("AND", bound, near)
        return self.switch("BOOLEAN", self.given[USE_MAX_DISTANCE], bound, near)

    def _way(self, driver: Any, selected: Any) -> Any:
        """How far the vertices go, and where to."""
        there = self._followed(driver)
        here = self.node("GeometryNodeInputPosition")
        weight = self.bound(WEIGHT, "FLOAT")
        way = self.vector("SCALE", self.vector("SUBTRACT", there, here), weight)
        share = self.node(
            "ShaderNodeMath", self.bound(SMOOTH, "FLOAT"), self.given[SMOOTH_FACTOR],
            operation="MULTIPLY",
        )  # fmt: skip
        steps = self.given[SMOOTH_STEPS]
        blur = self.group.nodes.new("GeometryNodeBlurAttribute")
        blur.data_type = "FLOAT_VECTOR"
        alone = self.switch("VECTOR", selected, None, way)
        for name, source in (("Value", alone), ("Iterations", steps), ("Weight", share)):
            self.group.links.new(source, shown(blur.inputs, name))
        smooths = self.compare("INT", "GREATER_THAN", steps, 0)
        return self.switch("VECTOR", smooths, way, shown(blur.outputs))

    def _followed(self, driver: Any) -> Any:
        """Where the vertices belong, in the driven mesh's space: foot point and offset."""
        corners = [self.bound(name, "INT") for name in CORNERS]
        shares = [self.bound(name, "FLOAT") for name in SHARES]
        position = self.node("GeometryNodeInputPosition")
        normal = self.node("GeometryNodeInputNormal")
        first, *others = (self.sample(driver, position, corner) for corner in corners)
        edges = [self.vector("SUBTRACT", other, first) for other in others]
        foot = self.along(first, edges, shares)
        upright, *others = (self.sample(driver, normal, corner) for corner in corners)
        turns = [self.vector("SUBTRACT", other, upright) for other in others]
        out = self.vector("NORMALIZE", self.along(upright, turns, shares))
        side = self.vector("NORMALIZE", self.vector("CROSS_PRODUCT", out, edges[0]))
        frame = [self.vector("CROSS_PRODUCT", side, out), side, out]
        offsets = [self.bound(name, "FLOAT") for name in OFFSETS]
        turned = self.along(foot, frame, offsets)
        upon = self.vector("NORMALIZE", self.vector("CROSS_PRODUCT", *edges))
        flat = self.along(foot, [upon], offsets[2:])
        turned = self.switch("VECTOR", self.given[SMOOTH_FRAMES], flat, turned)
        matrix = self._driver("RELATIVE", "Transform")
        turned = self.node("FunctionNodeTransformPoint", turned, matrix)
        foot = self.node("FunctionNodeTransformPoint", foot, matrix)
        shifted = self.vector("ADD", foot, self.bound(OBJECT, "FLOAT_VECTOR"))
        return self.switch("VECTOR", self.given[FACE_TANGENT_SPACE], shifted, turned)

    def along(self, start: Any, ways: list[Any], amounts: list[Any]) -> Any:
        """A place and so much of each way."""
        for way, amount in zip(ways, amounts, strict=True):
            start = self.vector("ADD", start, self.vector("SCALE", way, amount))
        return start

    # ---- nodes ---------------------------------------------------------------------------------

    def _driver(self, space: str, output: str) -> Any:
        return self.object_info(DRIVER, space, output)

    def vector(self, operation: str, *inputs: Any) -> Any:
        return self.node("ShaderNodeVectorMath", *inputs, operation=operation)

    def compare(self, kind: str, operation: str, *inputs: Any) -> Any:
        return self.node("FunctionNodeCompare", *inputs, data_type=kind, operation=operation)

    def logic(self, operation: str, *inputs: Any) -> Any:
        return self.node("FunctionNodeBooleanMath", *inputs, operation=operation)

    def switch(self, kind: str, condition: Any, no: Any, yes: Any) -> Any:
        return self.node("GeometryNodeSwitch", condition, no, yes, input_type=kind)

    def filled(self, text: str, value: Any) -> Any:
        """A text whose place is filled by another."""
        return self.node("FunctionNodeReplaceString", text, _PLACE, value)

    def bound(self, name: str, kind: str, output: str = "") -> Any:
        """An attribute of the binding."""
        own = self.filled(f"{_PLACE}_{name}", self.given[BINDING_NAME])
        return self.attribute(own, kind, output)

    def sample(self, geometry: Any, value: Any, index: Any) -> Any:
        """A value at points of a geometry, by their index."""
        return self.node(
            "GeometryNodeSampleIndex", geometry, value, index,
            data_type="FLOAT_VECTOR", domain="POINT",
        )  # fmt: skip

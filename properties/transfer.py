# SPDX-License-Identifier: GPL-3.0-or-later
"""A character transfer: which meshes it joins, their pairs, and how they are fitted and wrapped."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..core.retarget.marks import FITTED
from .character import FACEWRIGHT_PG_mesh
from .correspondences import FACEWRIGHT_PG_correspondence
from .names import unique_name

MESH_FIELDS = ("driver", "target", "open_mouth", "fitted")
PART_FIELDS = ("lower_denture", "tongue", "eye_right", "eye_left")


def _is_mesh(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH"


def _is_fitted(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH" and FITTED in obj


def _mesh(label: str, what: str, poll: Any = _is_mesh) -> Any:
    return PointerProperty(name=label, description=what, type=bpy.types.Object, poll=poll)


def _pair_chosen(self: Any, _context: Any) -> None:
    """A click into the list selects the pair alone, unless it is one of the selected."""
    pairs = self.pairs
    if 0 <= self.active_pair < len(pairs) and not pairs[self.active_pair].select:
        for place, pair in enumerate(pairs):
            pair.select = place == self.active_pair


class FACEWRIGHT_PG_transfer(bpy.types.PropertyGroup):
    """A head that learns to speak, and the one it learns from"""

    name: unique_name("What the transfer is called", "transfers", "Transfer")
    id: StringProperty(name="Id", description="What the transfer's meshes know it by")
    driver: _mesh(
        "Driver Mesh", "The mesh that a network moves, with shape keys, neutral, its mouth closed"
    )
    target: _mesh("Target Mesh", "The head that is to speak")
    open_mouth: _mesh(
        "OpenMouth Mesh", "The driver with its mouth open, same topology: pairs are picked on it"
    )
    pairs: CollectionProperty(type=FACEWRIGHT_PG_correspondence)
    active_pair: IntProperty(
        name="Pair", description="The pair that was chosen last", update=_pair_chosen
    )
    pick_mirrored: BoolProperty(
        name="Mirrored",
        description="Add the same pair on the other side of both meshes too",
        default=False,
    )
    pick_snapped: BoolProperty(
        name="Snap",
        description="Draw points to creases, seams, vertices and edges; Ctrl turns it round",
        default=False,
    )
    show_loupe: BoolProperty(
        name="Loupe",
        description="Show what is below the pointer enlarged while pairs are picked",
        default=True,
    )
    driver_hash: StringProperty(
        name="Driver Topology", description="Of the mesh that the pairs were picked on"
    )
    target_hash: StringProperty(
        name="Target Topology", description="Of the mesh that the pairs were picked on"
    )
    show_points: BoolProperty(
        name="Points", description="Show the pairs' points in the viewport", default=True
    )
    show_lines: BoolProperty(
        name="Lines", description="Show which points belong together", default=True
    )
    display_size: FloatProperty(
        name="Display Size",
        description="How large points are drawn",
        default=8.0,
        min=2.0,
        max=40.0,
        subtype="PIXEL",
    )
    iterations: IntProperty(
        name="Fitting Iterations",
        description="More come closer to the target and take longer",
        default=3,
        min=1,
        max=10,
    )
    stiffness: FloatProperty(
        name="Fitting Stiffness",
        description="More keeps the driver's contours, less follows the target's",
        default=100.0,
        min=1.0,
        max=10_000.0,
        soft_max=1_000.0,
    )
    fitted: _mesh(
        "Fitted Mesh", "The driver in the shape of the target, made by fitting", _is_fitted
    )
    smooth_level: IntProperty(
        name="Smooth Level",
        description="Low keeps the details, high smooths faults of the wrap away; start low",
        default=1,
        min=0,
        max=10,
    )
    result: _mesh("Result", "The copy of the target that speaks")
    lower_denture: _mesh("Lower Denture", "The target's lower teeth, which turn with the jaw")
    tongue: _mesh("Tongue", "The target's tongue")
    eye_right: _mesh("Right Eye", "The target's right eyeball")
    eye_left: _mesh("Left Eye", "The target's left eyeball")
    others: CollectionProperty(type=FACEWRIGHT_PG_mesh)
    active_other: IntProperty(name="Mesh", description="The chosen mesh that follows the skin")


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_transfer,))

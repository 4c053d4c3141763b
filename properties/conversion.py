# SPDX-License-Identifier: GPL-3.0-or-later
"""A blend shape conversion: what is read, whose shape keys follow it, how it is solved."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .changes import tell, telling
from .names import unique_name
from .poses import FACEWRIGHT_PG_pose, suit_mesh

REGULARISATION, TEMPORAL, SPARSITY, SYMMETRY = 3.5, 3.5, 1.0, 1.0  # published defaults
STRONGEST = 1_000.0
LAST_FRAME = 1_048_574  # of Blender's time line

NEUTRALS = (
    (
        "AUTO",
        "Automatic",
        "The blend shape mesh's where the input is the same head, else the input's own at rest",
    ),
    ("REST", "Input at Rest", "The input mesh without its modifiers and shape keys"),
    ("FRAME", "Input at a Frame", "The input as it looks at a frame where the face is neutral"),
    ("SHAPES", "Blend Shape Mesh", "The blend shape mesh at rest; for meshes of one topology"),
)
SMOOTHINGS = (
    (
        "two_sided",
        "Whole Clip",
        "Each frame is smoothed with those before and after it, so that nothing comes late",
    ),
    ("causal", "Causal", "Each frame is smoothed with those before it, as the live solve does"),
    (
        "sdk",
        "SDK Compatible",
        "As the open SDK solves, whose temporal term mostly makes the weights smaller",
    ),
)


def _is_mesh(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH"


def _has_keys(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH" and obj.data.shape_keys is not None


def _target_chosen(self: Any, _context: Any) -> None:
    if self.target is not None:
        suit_mesh(self)
    tell(self, "target")


def _pose_chosen(self: Any, _context: Any) -> None:
    """A click into the list selects the pose alone, unless it is one of the selected."""
    poses = self.poses
    if 0 <= self.active_pose < len(poses) and not poses[self.active_pose].select:
        for place, pose in enumerate(poses):
            pose.select = place == self.active_pose


def _strength(label: str, field: str, default: float, about: str) -> Any:
    return FloatProperty(
        name=label,
        description=about,
        default=default,
        min=0.0,
        max=STRONGEST,
        soft_max=100.0,
        update=telling(field),
    )


class FACEWRIGHT_PG_worst(bpy.types.PropertyGroup):
    """A frame that the shape keys do not reach well"""

    frame: FloatProperty(name="Frame", description="Frame of the scene")
    residual: FloatProperty(
        name="Residual", description="How far the vertices are off there, root mean square"
    )
    mark: StringProperty(name="Marker", description="Name of its marker; empty for none")


class FACEWRIGHT_PG_conversion(bpy.types.PropertyGroup):
    """An animated mesh, and the mesh whose shape keys are to do the same"""

    name: unique_name("What the conversion is called", "conversions", "Conversion")
    id: StringProperty(name="Id", description="What the conversion's action knows it by")
    source: PointerProperty(
        name="Input Mesh",
        description="The mesh that moves, by whatever: a cache, an armature, a wrap, shape keys",
        type=bpy.types.Object,
        poll=_is_mesh,
        update=telling("source"),
    )
    target: PointerProperty(
        name="Blend Shape Mesh",
        description="The mesh whose shape keys are to do what the input mesh does",
        type=bpy.types.Object,
        poll=_has_keys,
        update=_target_chosen,
    )
    neutral: EnumProperty(
        name="Neutral",
        description="What counts as the input's resting face, where all weights are 0",
        items=NEUTRALS,
        default="AUTO",
        update=telling("neutral"),
    )
    neutral_frame: IntProperty(
        name="Neutral Frame",
        description="Frame at which the input's face is neutral",
        default=1,
        min=-LAST_FRAME,
        max=LAST_FRAME,
        update=telling("neutral_frame"),
    )
    poses: CollectionProperty(type=FACEWRIGHT_PG_pose)
    active_pose: IntProperty(
        name="Pose", description="The pose that was chosen last", update=_pose_chosen
    )
    regularisation: _strength(
        "Regularization",
        "regularisation",
        REGULARISATION,
        "Higher makes all weights smaller, and keeps them from working against each other",
    )
    temporal: _strength(
        "Temporal Smoothing",
        "temporal",
        TEMPORAL,
        "Higher lets the weights change less from frame to frame; 0 smooths nothing",
    )
    sparsity: _strength(
        "Sparsity", "sparsity", SPARSITY, "Higher lets fewer poses be active at once"
    )
    symmetry: _strength(
        "Symmetry",
        "symmetry",
        SYMMETRY,
        "Higher makes the weights of symmetry pairs more equal; 0 leaves them alone",
    )
    template_size: FloatProperty(
        name="Template Size",
        description="Diagonal of the head that the strengths are meant for; 0 measures it on the "
        "poses, so that the strengths mean the same for every mesh",
        default=0.0,
        min=0.0,
        max=1e6,
        soft_max=1_000.0,
        update=telling("template_size"),
    )
    smoothing: EnumProperty(
        name="Smoothing",
        description="Which frames smooth a frame",
        items=SMOOTHINGS,
        default="two_sided",
        update=telling("smoothing"),
    )
    live: BoolProperty(
        name="Live Solve",
        description="Show the solve of the present frame on the blend shape mesh",
        update=telling("live"),
    )
    mean_residual: FloatProperty(
        name="Mean Residual", description="Of the last solve that was baked, in the scene's unit"
    )
    worst: CollectionProperty(type=FACEWRIGHT_PG_worst)


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_PG_worst, FACEWRIGHT_PG_conversion)
)

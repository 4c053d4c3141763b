# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written of a face's weights, with which gains, and as which kinds of files."""

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

from ..core.exchange.gains import MOST, Gains
from .paths import RELATIVE

SCENE, TAKE = "SCENE", "TAKE"


def _is_mesh(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH"


class FACEWRIGHT_PG_gain(bpy.types.PropertyGroup):
    """A multiplier and an offset of one channel; its name is the pose's"""

    multiplier: FloatProperty(
        name="Multiplier",
        description="What the weights of this channel are multiplied by",
        default=1.0,
        min=-MOST,
        max=MOST,
        soft_min=0.0,
        soft_max=2.0,
        precision=2,
    )
    offset: FloatProperty(
        name="Offset",
        description="What is added to the weights of this channel afterwards",
        default=0.0,
        min=-MOST,
        max=MOST,
        soft_min=-1.0,
        soft_max=1.0,
        precision=2,
    )


class FACEWRIGHT_PG_weights(bpy.types.PropertyGroup):
    """What is written of a face's weights"""

    face: PointerProperty(
        name="Face",
        description="Mesh of the face that is written, or that gets what is imported; empty is "
        "the first character of the shown pipeline",
        type=bpy.types.Object,
        poll=_is_mesh,
    )
    source: EnumProperty(
        name="Source",
        description="Where the weights come from",
        items=(
            (
                SCENE,
                "Scene",
                "The face as the scene shows it at each frame, with your changes, drivers and "
                "strips",
            ),
            (
                TAKE,
                "Take",
                "The take that moves the face, exactly as it was made, at its own frame rate; "
                "frame rate and range of the export do not count. Files that Blender's own "
                "exporters write always show the scene",
            ),
        ),
        default=SCENE,
    )
    json: BoolProperty(
        name="JSON",
        description="Write the 52 ARKit poses, eyes and jaw as JSON (_bsweight.json)",
        default=True,
    )
    json46: BoolProperty(
        name="JSON, 46 Poses",
        description="Write the older set of 46 poses as JSON (_bsweight46.json)",
    )
    usd: BoolProperty(
        name="USD",
        description="Write a SkelAnimation with the weights, without a mesh (_bsweight.usd)",
    )
    metahuman_usd: BoolProperty(
        name="MetaHuman USD",
        description="Write the curves of a MetaHuman into a SkelAnimation (_metahuman.usd). The "
        "way from ARKit's poses to these curves is approximate",
    )
    metahuman_json: BoolProperty(
        name="MetaHuman JSON",
        description="Write the curves of a MetaHuman as JSON (_metahuman.json). The way from "
        "ARKit's poses to these curves is approximate",
    )
    csv: BoolProperty(
        name="Live Link Face CSV",
        description="Write the table that the app Live Link Face saves (_livelink.csv)",
    )
    glb: BoolProperty(
        name="glTF",
        description="Write the face with its meshes and their animation as glTF (.glb)",
    )
    fbx: BoolProperty(
        name="FBX",
        description="Write the face with its meshes and their animation as FBX (.fbx)",
    )
    usdc: BoolProperty(
        name="USD with Meshes",
        description="Write the face with its meshes and their animation as USD (.usdc)",
    )
    tongue: BoolProperty(
        name="Tongue Poses",
        description="Write the 16 poses of the tongue beside the 52 where the file can hold them",
        default=True,
    )
    joints: BoolProperty(
        name="Joints",
        description="Write eyes and jaw as joints of the SkelAnimation, too",
        default=True,
    )
    extra: BoolProperty(
        name="Other Shape Keys",
        description="Write shape keys of the face that mean no pose, too, under their own names",
    )
    mapping: StringProperty(
        name="Mapping",
        description="JSON file that leads from ARKit's poses to the curves of a MetaHuman; empty "
        "takes the one that comes with Facewright, which is approximate",
        subtype="FILE_PATH",
        options=RELATIVE,
    )
    gains: CollectionProperty(type=FACEWRIGHT_PG_gain)
    active_gain: IntProperty(name="Channel", description="The channel chosen in the list")
    clamp: BoolProperty(
        name="Clamp",
        description="Keep what multipliers and offsets make of the weights within 0 and 1",
    )

    def gains_now(self) -> Gains:
        """The gains that are set."""
        rows = [row for row in self.gains if row.name]
        return Gains(
            {row.name: row.multiplier for row in rows if row.multiplier != 1.0},
            {row.name: row.offset for row in rows if row.offset != 0.0},
            self.clamp,
        )

    def set_gains(self, gains: Gains, names: tuple[str, ...]) -> None:
        """Show these channels, and any other that the gains name, with their gains."""
        self.gains.clear()
        others = (*gains.multipliers, *gains.offsets)
        for name in dict.fromkeys((*names, *others)):
            row = self.gains.add()
            row.name = name
            row.multiplier, row.offset = gains.of(name)
        self.clamp = gains.clamp
        self.active_gain = 0


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_PG_gain, FACEWRIGHT_PG_weights)
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap tool: one driver, the meshes that are to follow it, and how they follow."""

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

from ..core.retarget.wrap import MAX_DISTANCE
from .changes import telling

UNSET = -1.0


def _is_mesh(_self: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH"


def _get_max_distance(self: Any) -> float:
    own = float(self.own_max_distance)
    if own >= 0 or self.driver is None:
        return max(own, 0.0)
    return MAX_DISTANCE * float(self.driver.dimensions.length)


def _set_max_distance(self: Any, value: float) -> None:
    self.own_max_distance = value


class FACEWRIGHT_PG_wrapped(bpy.types.PropertyGroup):
    """A mesh that is to follow the driver"""

    object: PointerProperty(
        name="Mesh",
        description="A mesh that is to follow the driver",
        type=bpy.types.Object,
        poll=_is_mesh,
    )


class FACEWRIGHT_PG_wrap(bpy.types.PropertyGroup):
    """What the wrap tool works on; the wraps themselves are modifiers"""

    driver: PointerProperty(
        name="Driver",
        description="The mesh whose surface the others follow. Empty is the active mesh",
        type=bpy.types.Object,
        poll=_is_mesh,
    )
    driven: CollectionProperty(type=FACEWRIGHT_PG_wrapped)
    active_driven: IntProperty(name="Mesh", description="The chosen mesh that is to follow")
    use_max_distance: BoolProperty(
        name="Use Max Distance",
        description="Vertices that lie farther from the driver's surface stay where they are",
        default=False,
        update=telling("use_max_distance"),
    )
    max_distance: FloatProperty(
        name="Max Distance",
        description="Up to which distance from the driver's surface vertices follow, as both "
        "meshes were when they were bound. Unless it is set, 2 % of the driver's diagonal",
        min=0.0,
        subtype="DISTANCE",
        precision=4,
        get=_get_max_distance,
        set=_set_max_distance,
        update=telling("max_distance"),
    )
    own_max_distance: FloatProperty(
        name="Max Distance",
        description="The distance that was set by hand; below 0 for none",
        default=UNSET,
        options={"HIDDEN"},
    )
    face_tangent_space: BoolProperty(
        name="Face Tangent Space",
        description="Vertices turn with the driver's surface; off keeps their distance from it in "
        "the mesh's own axes",
        default=True,
        update=telling("face_tangent_space"),
    )

    @property
    def driven_objects(self) -> list[Any]:
        """The listed meshes, each once."""
        return list(dict.fromkeys(each.object for each in self.driven if each.object))


class FACEWRIGHT_PG_deformed(bpy.types.PropertyGroup):
    """What is to become of a mesh that is deformed already; its name is the mesh's"""

    by: StringProperty(name="Deformed By", description="The modifiers that deform the mesh")
    choice: EnumProperty(
        name="What to Do",
        description="What is to become of a mesh that is deformed already",
        items=(
            ("LEAVE", "Leave", "Change nothing on this mesh"),
            ("REPLACE", "Replace", "Delete what deforms the mesh, and wrap it"),
            ("ADD", "Add", "Wrap the mesh, and keep what deformed it, switched off"),
        ),
        default="LEAVE",
    )


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_PG_wrapped, FACEWRIGHT_PG_wrap, FACEWRIGHT_PG_deformed)
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The pairs of a character transfer: points on two meshes, and how the viewport shows them."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatVectorProperty, IntVectorProperty, StringProperty


class FACEWRIGHT_PG_correspondence(bpy.types.PropertyGroup):
    """A point on the driver and the same point of the target; both stick to their surfaces"""

    name: StringProperty(name="Name", description="What the point is, such as chin")
    driver_corners: IntVectorProperty(
        name="Driver Triangle",
        description="Vertices of the driver that the point lies between",
        size=3,
        min=0,
    )
    driver_shares: FloatVectorProperty(
        name="Driver Shares",
        description="How near the point is to each of them",
        size=3,
        min=0.0,
        max=1.0,
    )
    target_corners: IntVectorProperty(
        name="Target Triangle",
        description="Vertices of the target that the point lies between",
        size=3,
        min=0,
    )
    target_shares: FloatVectorProperty(
        name="Target Shares",
        description="How near the point is to each of them",
        size=3,
        min=0.0,
        max=1.0,
    )
    select: BoolProperty(name="Selected", description="Whether the pair is selected")


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_correspondence,))

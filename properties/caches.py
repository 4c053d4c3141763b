# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry caches: which meshes, in which format, and how."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

PLAYED = ("PC2", "MDD")  # what Blender's Mesh Cache modifier plays
MAYA = ("MC", "MCX")


class FACEWRIGHT_PG_cached_mesh(bpy.types.PropertyGroup):
    """What an object remembers for geometry caches"""

    use: BoolProperty(
        name="Export", description="Write this mesh into geometry caches", default=True
    )


class FACEWRIGHT_PG_caches(bpy.types.PropertyGroup):
    """How geometry caches are written"""

    format: EnumProperty(
        name="Format",
        description="What kind of file is written; docs/formats.md says who reads it",
        items=(
            ("USD", "USD Point Cache", "One .usdc for all meshes, in Blender's axes and unit"),
            (
                "USD_MAYA",
                "USD Point Cache, Y Up",
                "One .usdc for all meshes, Y up and in centimetres as Maya and Omniverse have it",
            ),
            ("MC", "Maya Cache (.mc)", "An .xml and an .mc for each mesh, Y up, in centimetres"),
            (
                "MCX",
                "Maya Cache (.mcx)",
                "An .xml and an .mcx for each mesh, of more than 4 GB a frame if need be",
            ),
            ("PC2", "PC2", "A .pc2 for each mesh, for Blender's Mesh Cache modifier and 3ds Max"),
            ("MDD", "MDD", "An .mdd for each mesh, for Blender, LightWave and Houdini"),
            ("ALEMBIC", "Alembic", "One .abc for all meshes, written by Blender at one go"),
        ),
        default="USD",
    )
    mesh_filter: EnumProperty(
        name="Meshes",
        description="Which meshes are offered",
        items=(
            ("VISIBLE", "Visible", "All meshes that are shown in the viewport"),
            ("SELECTED", "Selected", "The meshes that are selected"),
            ("NAME", "By Name", "Meshes whose names fit"),
        ),
        default="VISIBLE",
    )
    pattern: StringProperty(
        name="Name",
        description="Part of a mesh's name, or the whole with * and ? for what may differ",
        options={"TEXTEDIT_UPDATE"},
    )
    space: EnumProperty(
        name="Space",
        description="Where the points are measured from",
        items=(
            (
                "OBJECT",
                "Object",
                "From the mesh's own origin, as its vertices are; its movement as an object is "
                "left out, and is a transform in USD and Alembic",
            ),
            ("WORLD", "World", "From the world's origin, with the object's movement in the points"),
        ),
        default="OBJECT",
    )
    leave_out: BoolProperty(
        name="No Subdivision",
        description="Leave out modifiers that change the number of vertices, so that the file fits "
        "the mesh itself",
        default=True,
    )
    neutral: BoolProperty(
        name="Neutral Mesh",
        description="Write each mesh at rest as .obj as well, vertices in the cache's order, Y up "
        "and in centimetres, for Maya to put the cache on",
    )
    play: BoolProperty(
        name="Play on a Copy",
        description="Add a copy of each mesh that plays the file by a Mesh Cache modifier, and "
        "hide the mesh",
    )
    channel: StringProperty(
        name="Channel",
        description="Name of the channel in a Maya cache: that of the mesh's shape in Maya; * is "
        "the object's name here",
        default="*Shape",
    )
    active: IntProperty(name="Mesh", description="The row that is highlighted", options={"HIDDEN"})


_classes, _drop = bpy.utils.register_classes_factory(
    (FACEWRIGHT_PG_cached_mesh, FACEWRIGHT_PG_caches)
)


def register() -> None:
    _classes()
    object_type: Any = bpy.types.Object
    object_type.facewright_cache = PointerProperty(type=FACEWRIGHT_PG_cached_mesh)


def unregister() -> None:
    object_type: Any = bpy.types.Object
    del object_type.facewright_cache
    _drop()

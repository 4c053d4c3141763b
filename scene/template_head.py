# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the built-in head into a scene: one object per part, shape keys, materials, parents.

The skin is the root. The lower denture's transform is the jaw and carries the tongue; the eyes
turn about their own origins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.head import MATERIALS, OPEN_MOUTH_AMOUNT, Head, HeadPart, load_head
from . import materials
from .blend_shapes import set_shape_keys
from .joints import PART, world
from .space import character_matrix

NAME = "Facewright Head"
ASSET = Path(__file__).resolve().parent.parent / "assets" / "head.npz"
OPEN_MOUTH = "facewright_open_mouth"
WIDTH_M = 0.25  # of the head with a little air
HEIGHT_M = 0.35
_TITLES = {
    "skin": NAME,
    "upper_denture": f"{NAME} Upper Denture",
    "lower_denture": f"{NAME} Lower Denture",
    "tongue": f"{NAME} Tongue",
    "eye_left": f"{NAME} Eye Left",
    "eye_right": f"{NAME} Eye Right",
    "lashes": f"{NAME} Lashes",
    "brows": f"{NAME} Brows",
}
_SUBDIVIDED = ("skin", "tongue")
_PARENTS = {"tongue": "lower_denture"}


@dataclass(frozen=True)
class TemplateHead:
    """The objects of a head by part name; `open_mouth` is the hidden twin or None."""

    objects: dict[str, bpy.types.Object]
    open_mouth: bpy.types.Object | None

    @property
    def skin(self) -> bpy.types.Object:
        """The root of all parts."""
        return self.objects["skin"]


def add_template_head(
    collection: bpy.types.Collection,
    location: Sequence[float] = (0.0, 0.0, 0.0),
    *,
    open_mouth: bool = False,
    asset: Path | None = None,
) -> TemplateHead:
    """Add the head to a collection at a place in metres; `UserError` without the asset."""
    head = load_head(asset or ASSET)
    objects = {name: _add_part(head, part, collection) for name, part in head.parts.items()}
    for name, obj in objects.items():
        if name == "skin":
            continue
        parent = _PARENTS.get(name, "skin")
        obj.parent = objects[parent]
        obj.location = _place(_origin(head, name) - _origin(head, parent))
    objects["skin"].location = tuple(location)
    twin = add_open_mouth(objects["skin"], collection, asset) if open_mouth else None
    return TemplateHead(objects, twin)


def free_place(scene: bpy.types.Scene, wanted: Sequence[float]) -> tuple[float, float, float]:
    """The wanted place in metres, or the next one to its left (X) that no template head takes."""
    x, y, z = (float(value) for value in wanted)
    heads = [world(obj)[:3, 3] for obj in scene.objects if obj.get(PART) == "skin"]
    near = [hx for hx, hy, hz in heads if abs(hy - y) < WIDTH_M and abs(hz - z) < HEIGHT_M]
    while any(abs(taken - x) < WIDTH_M - 1e-6 for taken in near):
        x += WIDTH_M
    return x, y, z


def _origin(head: Head, name: str) -> np.ndarray[Any, Any]:
    """Where a part's object has its origin, in the asset's space."""
    if name in ("lower_denture", "tongue"):
        return head.jaw_pivot
    if name.startswith("eye_"):
        return head.eye_centres[("eye_right", "eye_left").index(name)]
    return np.zeros(3, dtype=np.float32)


def _place(point: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    x, y, z = _local(np.asarray(point)[None])[0]
    return float(x), float(y), float(z)


def _local(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Points or displacements (..., 3) of the asset's space in the object's space, float32."""
    turn = character_matrix()[:3, :3].T.astype(np.float32)
    return np.asarray(points, np.float32) @ turn


def _add_part(head: Head, part: HeadPart, collection: bpy.types.Collection) -> bpy.types.Object:
    rest = _local(part.vertices - _origin(head, part.name))
    mesh = _new_mesh(_TITLES[part.name], part, rest)
    used = np.unique(part.materials)
    for number in used:
        mesh.materials.append(materials.material(MATERIALS[number]))
    slots = np.searchsorted(used, part.materials).astype(np.int32)
    mesh.polygons.foreach_set("material_index", slots)
    if part.colours is not None:
        _tint(mesh, part.colours)
    mesh.update()
    obj = bpy.data.objects.new(_TITLES[part.name], mesh)
    obj[PART] = part.name
    collection.objects.link(obj)
    if part.shape_names:
        for _key in set_shape_keys(obj, part.shape_names, _local(part.shapes)):
            pass
    if part.name in _SUBDIVIDED:
        subdivision: Any = obj.modifiers.new("Subdivision", "SUBSURF")
        subdivision.levels = 1
        subdivision.render_levels = 2
    return obj


def _new_mesh(title: str, part: HeadPart, rest: np.ndarray[Any, Any]) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(title)
    real = part.faces >= 0  # a triangle's fourth corner is not
    sizes = real.sum(axis=1)
    mesh.vertices.add(len(rest))
    mesh.vertices.foreach_set("co", rest.ravel())
    mesh.loops.add(int(sizes.sum()))
    mesh.loops.foreach_set("vertex_index", part.faces[real])
    mesh.polygons.add(len(sizes))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(sizes) - sizes).astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(sizes), dtype=bool))
    mesh.update(calc_edges=True)
    return mesh


def _tint(mesh: bpy.types.Mesh, colours: np.ndarray[Any, Any]) -> None:
    layer: Any = mesh.color_attributes.new(materials.COLOUR_ATTRIBUTE, "FLOAT_COLOR", "POINT")
    rgba = np.ones((len(colours), 4), dtype=np.float32)
    rgba[:, :3] = colours
    layer.data.foreach_set("color", rgba.ravel())


def add_open_mouth(
    skin: bpy.types.Object, collection: bpy.types.Collection, asset: Path | None = None
) -> bpy.types.Object:
    """A hidden mesh of the skin's topology with the mouth open, for transfers."""
    part = load_head(asset or ASSET).skin
    opened = part.shapes[part.shape_names.index("jawOpen")] * OPEN_MOUTH_AMOUNT
    title = f"{NAME} OpenMouth"
    mesh = _new_mesh(title, part, _local(part.vertices + opened))
    mesh.materials.append(materials.material("skin"))
    mesh.update()
    twin = bpy.data.objects.new(title, mesh)
    twin[OPEN_MOUTH] = True
    collection.objects.link(twin)
    twin.parent = skin
    twin.hide_viewport = True
    twin.hide_render = True
    return twin

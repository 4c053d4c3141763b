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

from ..core.head import OPEN_MOUTH_AMOUNT, Head, load_head
from ..core.head_parts import HeadPart
from . import head_parts, materials
from .blend_shapes import set_shape_keys
from .joints import PART, world

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
        obj.location = head_parts.place(_origin(head, name) - _origin(head, parent))
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


def _origin(head: Head, name: str) -> head_parts.Array:
    """Where a part's object has its origin, in the asset's space."""
    if name in ("lower_denture", "tongue"):
        return head.jaw_pivot
    if name.startswith("eye_"):
        return head.eye_centres[("eye_right", "eye_left").index(name)]
    return np.zeros(3, dtype=np.float32)


def _add_part(head: Head, part: HeadPart, collection: bpy.types.Collection) -> bpy.types.Object:
    origin = _origin(head, part.name)
    obj = head_parts.add_part(part, _TITLES[part.name], origin, collection)
    obj[PART] = part.name
    if part.shape_names:
        for _key in set_shape_keys(obj, part.shape_names, head_parts.local(part.shapes)):
            pass
    if part.name in _SUBDIVIDED:
        subdivision: Any = obj.modifiers.new("Subdivision", "SUBSURF")
        subdivision.levels = 1
        subdivision.render_levels = 2
    return obj


def add_open_mouth(
    skin: bpy.types.Object, collection: bpy.types.Collection, asset: Path | None = None
) -> bpy.types.Object:
    """A hidden mesh of the skin's topology with the mouth open, for transfers."""
    part = load_head(asset or ASSET).skin
    opened = part.shapes[part.shape_names.index("jawOpen")] * OPEN_MOUTH_AMOUNT
    title = f"{NAME} OpenMouth"
    mesh = head_parts.new_mesh(title, part, head_parts.local(part.vertices + opened))
    mesh.materials.append(materials.material("skin"))
    mesh.update()
    twin = bpy.data.objects.new(title, mesh)
    twin[OPEN_MOUTH] = True
    collection.objects.link(twin)
    twin.parent = skin
    twin.hide_viewport = True
    twin.hide_render = True
    return twin

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an animated mesh frame by frame, without touching what the user looks at.

A copy of the object stands in a scene of its own, which is taken away afterwards. So the user's
playhead stays where it is, only what moves the mesh is worked out, a hidden mesh is read like any
other, and subdivision, which the shape keys know nothing of, is left out.
"""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray, Doubles, Floats
from ..core.errors import UserError
from .evaluated import points_of
from .references import Reference, reference
from .wrap_binding import SUBDIVIDING

NAME = "Facewright Input"
MARK = "facewright_stage"
_LIKE = (
    "fps",
    "fps_base",
    "frame_map_old",
    "frame_map_new",
    "use_simplify",
    "simplify_subdivision",
)


class Stage:
    """An object on a scene of its own. ``close`` it in any case."""

    def __init__(self, scene: bpy.types.Scene, source: bpy.types.Object) -> None:
        self.name = source.name
        stage: Any = bpy.data.scenes.new(NAME)
        stage[MARK] = True
        stand_in: Any = source.copy()
        stand_in[MARK] = True
        self._scene, self._object = reference(stage), reference(stand_in)
        for name in _LIKE:
            setattr(stage.render, name, getattr(scene.render, name))
        for modifier in [each for each in stand_in.modifiers if each.type in SUBDIVIDING]:
            stand_in.modifiers.remove(modifier)
        stand_in.hide_viewport = stand_in.show_only_shape_key = False
        stage.collection.objects.link(stand_in)

    def points(self, frame: float) -> Floats:
        """Vertices (V, 3) float32 in the object's space at a frame of the scene."""
        stage = self._scene.get()
        whole = math.floor(frame)
        stage.frame_set(whole, subframe=float(frame - whole))
        layer = stage.view_layers[0]
        return points_of(self._object.get(), layer.depsgraph)

    def expect(self, count: int, frame: float) -> Floats:
        """The same, of so many vertices. Raises UserError when there are more or less."""
        points = self.points(frame)
        if len(points) != count:
            raise UserError(
                f"'{self.name}' has {len(points)} vertices at frame {frame:g}, not {count}.",
                "Switch off the modifiers that add vertices or take some away.",
            )
        return points

    def close(self) -> None:
        """Take it away."""
        take_away(self._object, self._scene)


def take_away(*blocks: Reference) -> None:
    """Remove what is still there."""
    for each in blocks:
        found = each.find()
        if found is not None:
            getattr(bpy.data, each.collection).remove(found)


def sweep() -> None:
    """Remove what a stage has left behind where undo or a saved file brought one back."""
    for block in (*bpy.data.objects, *bpy.data.scenes):
        if MARK in block and block.library is None:
            take_away(reference(block))


class Subdivision:
    """What the input's subdivision makes of any shape of its vertices. ``close`` it in any case."""

    def __init__(self, scene: bpy.types.Scene, source: bpy.types.Object) -> None:
        stage: Any = bpy.data.scenes.new(NAME)
        stage[MARK] = True
        stand_in: Any = source.copy()
        stand_in[MARK] = True
        stand_in.animation_data_clear()
        mesh: Any = source.data.copy()
        stand_in.data = mesh
        if mesh.shape_keys is not None:
            stand_in.shape_key_clear()
        stand_in.parent = None
        stand_in.constraints.clear()
        self._scene, self._object = reference(stage), reference(stand_in)
        for name in _LIKE:
            setattr(stage.render, name, getattr(scene.render, name))
        for modifier in [each for each in stand_in.modifiers if each.type not in SUBDIVIDING]:
            stand_in.modifiers.remove(modifier)
        stand_in.hide_viewport = False
        stage.collection.objects.link(stand_in)

    def __call__(self, points: AnyArray) -> Doubles:
        """Where the vertices (V, 3) themselves come to lie in the subdivided mesh."""
        stand_in = self._object.get()
        mesh: Any = stand_in.data
        mesh.vertices.foreach_set("co", np.ascontiguousarray(points, np.float32).ravel())
        mesh.update()
        layer = self._scene.get().view_layers[0]
        layer.update()
        return points_of(stand_in, layer.depsgraph)[: len(points)].astype(np.float64)

    def close(self) -> None:
        """Take it away."""
        stand_in = self._object.find()
        mesh = None if stand_in is None else stand_in.data
        take_away(self._object, self._scene)
        if mesh is not None:
            bpy.data.meshes.remove(mesh)

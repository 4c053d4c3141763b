# SPDX-License-Identifier: GPL-3.0-or-later
"""Playing a point cache on a mesh: Blender's Mesh Cache modifier, set so that every frame is where
it belongs and coordinates stay as they are in the file."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from .rates import scene_rate

LABEL = "Facewright Mesh Cache"
KINDS = {".pc2": "PC2", ".mdd": "MDD"}
MOST_SCALE = 100.0  # frames of the cache in one of the scene's, in the modifier


def add_mesh_cache(
    obj: bpy.types.Object,
    path: str | os.PathLike[str],
    scene: bpy.types.Scene,
    first_frame: float,
    rate: Fraction | None = None,
) -> Any:
    """Let a mesh play a .pc2 or .mdd in its own space; returns the modifier.

    ``first_frame`` is the scene's frame at which the file begins, ``rate`` its frames per second
    (None is the scene's). Before and after it the mesh stays in the first and the last pose. The
    modifier comes first, since the file knows the vertices of the mesh itself. Raises UserError.
    """
    path = Path(path)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise UserError(
            f"{path.name} cannot be played: its ending is none of {', '.join(KINDS)}.",
            "Choose a PC2 or MDD file.",
        )
    modifier: Any = obj.modifiers.new(LABEL, "MESH_CACHE")
    try:
        modifier.cache_format = kind
        modifier.filepath = blend_path(path)
        modifier.forward_axis, modifier.up_axis = "POS_Y", "POS_Z"  # Blender's own
        modifier.deform_mode = "OVERWRITE"
        modifier.interpolation = "LINEAR"
        modifier.time_mode = "FRAME"  # seconds would need the rate that the scene has now, too
        modifier.play_mode = "SCENE"
        set_timing(modifier, scene, first_frame, rate)
    except UserError:
        obj.modifiers.remove(modifier)
        raise
    modifier.show_expanded = False
    obj.modifiers.move(len(obj.modifiers) - 1, 0)
    return modifier


def set_timing(
    modifier: Any, scene: bpy.types.Scene, first_frame: float, rate: Fraction | None = None
) -> None:
    """Say when a modifier's file begins and how many frames per second it has, as the scene's frame
    rate is now. Raises UserError when the rates are too far apart."""
    own = scene_rate(scene)
    scale = float((rate or own) / own)
    if scale > MOST_SCALE:
        raise UserError(
            f"A cache with {float(rate or own):g} frames per second cannot be played at "
            f"{float(own):g}.",
            "Raise the scene's frame rate.",
        )
    # The modifier shows the file's frame scale * (scene's frame) - start.
    modifier.frame_scale = scale
    modifier.frame_start = scale * first_frame


def blend_path(path: str | os.PathLike[str]) -> str:
    """A path as the .blend keeps it: relative once that is saved, so that both can move."""
    absolute = str(Path(path).absolute())
    if not bpy.data.filepath:
        return absolute
    try:
        return bpy.path.relpath(absolute)
    except ValueError:  # on another drive
        return absolute


def mesh_caches_of(obj: bpy.types.Object) -> list[Any]:
    """The modifiers of ours that play a file on a mesh."""
    return [
        modifier
        for modifier in obj.modifiers
        if modifier.type == "MESH_CACHE" and modifier.name.startswith(LABEL)
    ]


def file_of(modifier: Any) -> Path:
    """The file that a modifier plays."""
    return Path(bpy.path.abspath(modifier.filepath))

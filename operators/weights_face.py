# SPDX-License-Identifier: GPL-3.0-or-later
"""Which face weights are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..core.errors import Cancelled, UserError
from ..scene.parts import Parts, parts_of
from .chosen import attachments_of, character_parts
from .faults import sentence


@dataclass(frozen=True)
class Target:
    """A face: its parts, and the id of its character where it is one."""

    parts: Parts
    character_id: str = ""
    name: str = ""


def target_of(scene: bpy.types.Scene, obj: bpy.types.Object | None, driven: bool = False) -> Target:
    """The face of an object; of None the shown pipeline's first character, else the first one of
    the scene, else the active mesh. ``driven`` keys count where it is only read.

    Raises UserError when there is none.
    """
    chosen: Any = scene.facewright
    characters = [*chosen.characters_of(chosen.pipeline), *chosen.characters]
    if obj is None:
        one = next((one for one in characters if one.skin is not None), None)
        obj = one.skin if one is not None else bpy.context.view_layer.objects.active
    else:
        one = next((one for one in characters if _is_of(one, obj)), None)
    if obj is None:
        raise UserError("No face is chosen.", "Choose the mesh of a face.")
    if one is None:
        return Target(parts_of(obj, driven=driven), "", obj.name)
    return Target(character_parts(one, True, driven=driven), one.id, one.name)


def _is_of(character: Any, obj: bpy.types.Object) -> bool:
    return obj == character.skin or obj in tuple(attachments_of(character).meshes)


def face_name(scene: bpy.types.Scene) -> str:
    """Name of the face that is taken where none is chosen. Raises UserError when there is none."""
    return target_of(scene, None, driven=True).name


def face_problem(scene: bpy.types.Scene, obj: bpy.types.Object | None) -> str:
    """Why there is no face to write, as one sentence; empty when there is."""
    try:
        target_of(scene, obj, driven=True)
    except (UserError, Cancelled) as error:
        return sentence(error) if isinstance(error, UserError) else str(error)
    return ""

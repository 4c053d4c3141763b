# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a transfer's driver beside its skin: its jaw, eyes and tongue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError
from ..core.head import load_head
from ..core.naming import TONGUE_NAMES, match
from ..core.retarget.names import JAW_OPEN
from ..core.retarget.rigid import motion, motion_of
from ..scene.characters import NOTHING, Character, find_character
from ..scene.joints import PART, Joint, local_up_is_y, world
from ..scene.retarget_meshes import moves_to_world, shape_moves, standing_mesh
from ..scene.space import AXES, character_matrix, turn_of
from ..scene.template_head import ASSET
from .chosen import attachments_of


@dataclass(frozen=True)
class DriverParts:
    """The driver's parts as objects; None for what it does not have, or moves by bones."""

    skin: Any
    jaw: Any = None
    eye_right: Any = None
    eye_left: Any = None
    tongue: Any = None


def driver_parts(scene: Any, driver: Any) -> DriverParts:
    """The parts of a driver, as its character has them or as they are found."""
    owner = next((one for one in scene.facewright.characters if one.skin == driver), None)
    try:
        attached = attachments_of(owner) if owner else NOTHING
        found = find_character(driver, attached=attached)
    except UserError:  # its shape keys have names of their own
        return DriverParts(driver)
    return DriverParts(
        skin=driver,
        jaw=_object(found.jaw[0]) if found.jaw else None,
        eye_right=_object(found.eyes[0]),
        eye_left=_object(found.eyes[1]),
        tongue=_tongue_of(found),
    )


def _object(joint: Joint | None) -> Any:
    return None if joint is None or joint.bone else joint.object


def _tongue_of(character: Character) -> Any:
    """The mesh whose keys are the tongue's, other than the face itself."""
    for mesh in character.meshes:
        if mesh.object != character.face and set(mesh.found.pairs) & set(TONGUE_NAMES):
            return mesh.object
    return None


def head_axes(driver: Any) -> Doubles:
    """A head's left, up and front (3, 3) in the world, as columns."""
    axes = np.eye(3) if local_up_is_y(world(driver)) else AXES
    return turn_of(world(driver)) @ axes


def source_arrays(parts: DriverParts) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the job "shapes" is told of the driver's jaw and tongue: arguments and arrays."""
    args: dict[str, Any] = {}
    arrays: dict[str, Any] = {"axes": head_axes(parts.skin)}
    if parts.skin.get(PART) == "skin":
        jaw, motions = _template_jaw(parts.skin)
        args["jaw_names"], arrays["jaw_motions"] = jaw, motions
    if parts.tongue is not None:
        mesh = standing_mesh(parts.tongue)
        names, moves = shape_moves(parts.tongue)
        wanted = [place for place, name in enumerate(names) if match(TONGUE_NAMES, (name,)).pairs]
        args["tongue_names"] = [names[place] for place in wanted]
        arrays["tongue_points"], arrays["tongue_triangles"] = mesh.points, mesh.triangles
        arrays["tongue_moves"] = moves_to_world(parts.tongue, moves[wanted]).astype(np.float32)
    return args, arrays


def jaw_opening(skin: Any, points: AnyArray, opening: AnyArray) -> Doubles:
    """How a driver's lower teeth move with jawOpen in the world (4, 4), of its skin's points (V, 3)
    there and their displacements (V, 3)."""
    if skin.get(PART) == "skin":
        names, motions = _template_jaw(skin)
        found: Doubles = motions[names.index(JAW_OPEN)]
        return found
    return motion_of(points, opening)


def _template_jaw(skin: Any) -> tuple[list[str], Doubles]:
    """How the template's lower teeth move with its jaw shapes, in the world."""
    head = load_head(ASSET)
    over = world(skin) @ character_matrix()
    back = np.linalg.inv(over)
    motions = {
        name: over @ motion(each[0], each[1], head.jaw_pivot) @ back
        for name, each in head.jaw_motions.items()
    }
    return list(motions), np.stack(list(motions.values()))

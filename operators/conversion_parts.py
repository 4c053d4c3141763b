# SPDX-License-Identifier: GPL-3.0-or-later
"""The rest of a face whose skin a conversion moves: what the scene's character says, or what is
parented to the skin."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..core.errors import Cancelled, UserError
from ..scene.characters import Character
from ..scene.conversion_parts import parts_beside
from ..scene.takes import character_of
from .chosen import character_parts


def parts_of_target(scene: Any, target: Any, source: Any, names: Sequence[str]) -> Character | None:
    """The face of a blend shape mesh without the mesh itself; None where it has nothing else that
    poses of these ``names`` move."""
    return parts_beside(_face_of(scene, target), target, source, names)


def _face_of(scene: Any, target: Any) -> Character | None:
    chosen: Any = scene.facewright
    for one in chosen.characters:
        if one.skin == target:
            with suppress(UserError, Cancelled):
                return character_parts(one, False, True).character()
    return character_of(target)

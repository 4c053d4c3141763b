# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects and bones a face is made of, remembered while Blender's user goes on working."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from ..core.naming import CANONICAL_NAMES
from .characters import Character, find_character, with_head_target
from .references import Reference, reference


@dataclass(frozen=True)
class Attached:
    """An object, or one ``bone`` of an armature."""

    object: Reference
    bone: str = ""


@dataclass(frozen=True)
class Parts:
    """The parts that a user has named; what is None is found by itself, or is not there."""

    skin: Reference
    head: Attached | None = None

    def character(self, poses: Sequence[str] = CANONICAL_NAMES) -> Character:
        """The face as it is now. Raises UserError, and SceneChanged when a part of it is gone."""
        found = find_character(self.skin.get(), poses)
        if self.head is None:
            return found
        return with_head_target(found, self.head.object.get(), self.head.bone)


def parts_of(
    skin: bpy.types.Object | None, head: bpy.types.Object | None = None, head_bone: str = ""
) -> Parts:
    """The parts of a face with what head motion turns. Raises UserError when it is no face."""
    with_head_target(find_character(skin), head, head_bone)
    turned = None if head is None else Attached(reference(head), head_bone)
    return Parts(reference(skin), turned)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects and bones a face is made of, remembered while Blender's user goes on working."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from ..core.naming import CANONICAL_NAMES
from .characters import NOTHING, Attachments, Character, find_character, with_head_target
from .joints import Joint
from .references import Reference, reference


@dataclass(frozen=True)
class Attached:
    """An object, or one ``bone`` of an armature."""

    object: Reference
    bone: str = ""

    def joint(self) -> Joint:
        """The same as it is now. Raises SceneChanged when the object is gone."""
        return Joint(self.object.get(), self.bone)


@dataclass(frozen=True)
class Parts:
    """The parts that a user has named; what is None is found by itself, or is not there.
    ``keyless``: no mesh needs shape keys, since vertices are moved."""

    skin: Reference
    head: Attached | None = None
    tongue: Reference | None = None
    jaw: Attached | None = None
    eye_right: Attached | None = None
    eye_left: Attached | None = None
    others: tuple[Reference, ...] = ()
    keyless: bool = False

    def character(self, poses: Sequence[str] = CANONICAL_NAMES, driven: bool = False) -> Character:
        """The face as it is now, to be read only with its ``driven`` keys. Raises UserError, and
        SceneChanged when a part of it is gone."""
        attached = self.attachments()
        found = find_character(self.skin.get(), poses, attached, self.keyless, driven)
        if self.head is None:
            return found
        return with_head_target(found, self.head.object.get(), self.head.bone)

    def attachments(self) -> Attachments:
        """What is attached, as it is now. Raises SceneChanged when a part is gone."""
        return Attachments(
            tongue=self.tongue.get() if self.tongue else None,
            jaw=self.jaw.joint() if self.jaw else None,
            eye_right=self.eye_right.joint() if self.eye_right else None,
            eye_left=self.eye_left.joint() if self.eye_left else None,
            others=tuple(each.get() for each in self.others),
        )


def parts_of(
    skin: bpy.types.Object | None,
    head: bpy.types.Object | None = None,
    head_bone: str = "",
    attached: Attachments = NOTHING,
    keyless: bool = False,
    driven: bool = False,
) -> Parts:
    """The parts of a face with what head motion turns. Raises UserError when it is no face;
    ``driven`` keys count where it is only read."""
    found = find_character(skin, attached=attached, keyless=keyless, driven=driven)
    with_head_target(found, head, head_bone)
    return Parts(
        reference(skin),
        None if head is None else Attached(reference(head), head_bone),
        reference(attached.tongue) if attached.tongue else None,
        _remembered(attached.jaw),
        _remembered(attached.eye_right),
        _remembered(attached.eye_left),
        tuple(reference(each) for each in attached.others),
        keyless,
    )


def _remembered(joint: Joint | None) -> Attached | None:
    return Attached(reference(joint.object), joint.bone) if joint else None

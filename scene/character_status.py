# SPDX-License-Identifier: GPL-3.0-or-later
"""One line about a character: what is wrong with it, or what it has and what it lacks."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..core.errors import UserError
from ..core.naming import ARKIT_NAMES, TONGUE_NAMES
from .characters import NOTHING, Attachments, Character, find_character

_TONGUE = frozenset((*TONGUE_NAMES, "tongueOut"))


@dataclass(frozen=True)
class CharacterStatus:
    """``text`` is the line; ``problem``: it says why the character cannot be animated.

    ``complete``: no part is missing.
    """

    text: str
    problem: bool = False
    complete: bool = False


def character_status(
    skin: bpy.types.Object | None, attached: Attachments = NOTHING, keyless: bool = False
) -> CharacterStatus:
    """What to say of a character; ``keyless`` where its vertices move. Raises nothing."""
    try:
        character = find_character(skin, attached=attached, keyless=keyless)
    except UserError as error:
        return CharacterStatus(" ".join(str(error).split()), problem=True)
    has, lacks = _parts(character)
    text = ", ".join([f"{character.found_count} of {len(ARKIT_NAMES)} shapes", *has, *lacks])
    return CharacterStatus(text, complete=not lacks and not character.missing)


def _parts(character: Character) -> tuple[list[str], list[str]]:
    """Names of the parts that are there, and of those that are not."""
    right, left = character.eyes
    eyes = "both eyes" if right and left else "right eye" if right else "left eye" if left else ""
    missing_eye = "no eyes" if not eyes else "" if right and left else (
        "no left eye" if right else "no right eye"
    )  # fmt: skip
    tongue = any(_TONGUE.intersection(mesh.found.pairs) for mesh in character.meshes)
    tongue = tongue or (character.tongue is not None and not character.meshes)
    has = ["tongue" if tongue else "", "jaw" if character.jaw else "", eyes]
    lacks = ["" if tongue else "no tongue", "" if character.jaw else "no jaw", missing_eye]
    return [text for text in has if text], [text for text in lacks if text]

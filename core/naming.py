# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of poses, and which shape keys of somebody's mesh mean which pose.

A user's key names are never changed. Two names mean the same pose when their normal forms agree:
letter case, separators, known prefixes (``blendShape2.``, ``A14_``, namespaces) and the spelling of
the side (``Left``, ``_L``, ``.L``, ``L``, in front or behind) do not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .arrays import Floats

ARKIT_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft",
    "eyeLookDownLeft",
    "eyeLookInLeft",
    "eyeLookOutLeft",
    "eyeLookUpLeft",
    "eyeSquintLeft",
    "eyeWideLeft",
    "eyeBlinkRight",
    "eyeLookDownRight",
    "eyeLookInRight",
    "eyeLookOutRight",
    "eyeLookUpRight",
    "eyeSquintRight",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthLeft",
    "mouthRight",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)

TONGUE_NAMES: tuple[str, ...] = (
    "tongueTipUp",
    "tongueTipDown",
    "tongueTipLeft",
    "tongueTipRight",
    "tongueRollUp",
    "tongueRollDown",
    "tongueRollLeft",
    "tongueRollRight",
    "tongueUp",
    "tongueDown",
    "tongueLeft",
    "tongueRight",
    "tongueIn",
    "tongueStretch",
    "tongueWide",
    "tongueNarrow",
)

CANONICAL_NAMES: tuple[str, ...] = ARKIT_NAMES + TONGUE_NAMES

_PREFIXES = re.compile(
    r"^(?:(?:blendshapes?|arkit|bs|shapes?|face|head|key)\d*|[a-z]\d{2})[ _.\-]+"
)
_DUPLICATE = re.compile(r"\.\d{3}$")
_SEPARATORS = re.compile(r"[\s_.\-]+")
_SIDE_BEHIND = re.compile(r"^(?P<rest>.+?)(?:[ _.\-]+(?P<short>l|r)|[ _.\-]*(?P<long>left|right))$")
_SIDE_BEFORE = re.compile(r"^(?:(?P<short>l|r)[ _.\-]+|(?P<long>left|right)[ _.\-]*)(?P<rest>.+)$")
_CAMEL_SIDE = re.compile(r"(?<=[a-z])(?P<short>[LR])$")
_SIDES = {"l": "left", "r": "right", "left": "left", "right": "right"}
# Here Left and Right are where something moves, not which half of the face it is on.
_DIRECTIONS = frozenset({"jaw", "mouth", "tongue", "tonguetip", "tongueroll"})
_GAZES = {"eyelookin": "eyelookout", "eyelookout": "eyelookin"}  # of the right eye


def normalise(name: str) -> str:
    """Return the normal form of a pose name; equal forms mean the same pose.

    ``blendShape2.EyeBlink_L``, ``A14_Eye_Blink_Left`` and ``eyeBlink.L`` all give
    ``eyeblink left``; ``jawOpen.001`` gives ``jawopen``.
    """
    base, side = _split(name)
    return f"{base} {side}" if side else base


def _split(name: str) -> tuple[str, str]:
    """Base without separators, and ``left``, ``right`` or nothing."""
    text = re.split(r"[:|]", name.strip())[-1]
    text = _DUPLICATE.sub("", text)
    text = _CAMEL_SIDE.sub(r"_\g<short>", text).casefold()
    text = _PREFIXES.sub("", text)
    found = _SIDE_BEHIND.match(text) or _SIDE_BEFORE.match(text)
    if found is None:
        return _SEPARATORS.sub("", text), ""
    side = _SIDES[found["short"] or found["long"]]
    return _SEPARATORS.sub("", found["rest"]), side


def mirrored_pairs(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Places of two names each that are the same pose on the left and the right half of the face.

    Eyes that look to one side turn one in and the other out, so those are each other's partners.
    ``jawLeft``, ``mouthLeft`` and the tongue's are directions, not halves: see ``opposite_pairs``.
    """
    return _paired(names, halves=True)


def opposite_pairs(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Places of two names each that are one thing's ways to the left and to the right."""
    return _paired(names, halves=False)


def _paired(names: Sequence[str], halves: bool) -> tuple[tuple[int, int], ...]:
    sides: dict[str, dict[str, int]] = {}
    for place, name in enumerate(names):
        base, side = _split(name)
        if side and (base not in _DIRECTIONS) == halves:
            base = _GAZES.get(base, base) if side == "right" else base
            sides.setdefault(base, {}).setdefault(side, place)
    return tuple((found["left"], found["right"]) for found in sides.values() if len(found) == 2)


@dataclass(frozen=True)
class Match:
    """Which available names stand for which wanted ones.

    ``pairs``                wanted name -> available names that it drives, one or two
    ``unmatched_wanted``     in the order they were wanted
    ``unmatched_available``  in the order they are available

    An available name that stands for both halves of the face appears under both wanted names.
    """

    pairs: Mapping[str, tuple[str, ...]]
    unmatched_wanted: tuple[str, ...]
    unmatched_available: tuple[str, ...]

    def sources(self) -> dict[str, tuple[str, ...]]:
        """Available name -> wanted names that drive it. Their mean is its value."""
        result: dict[str, tuple[str, ...]] = {}
        for wanted, names in self.pairs.items():
            for name in names:
                result[name] = (*result.get(name, ()), wanted)
        return result


def match(wanted: Sequence[str], available: Iterable[str]) -> Match:
    """Match pose names with the names that a mesh has, whatever their spelling.

    - Of several available names with one normal form the exact spelling wins, then the one that
      differs by case alone, then the first; the others stay unmatched.
    - One name for both halves (``eyeBlink``) is driven by both poses where no name for one half
      alone exists; two halves of a pose that has none (``browInnerUpLeft``) are both driven by it.
    - ``jawLeft``, ``mouthLeft`` and the tongue's are directions: they have no halves.
    """
    keys = list(dict.fromkeys(available))
    forms: dict[str, list[str]] = {}
    for key in keys:
        forms.setdefault(normalise(key), []).append(key)

    def pick(form: str, name: str) -> tuple[str, ...]:
        candidates = forms.get(form, [])
        if not candidates:
            return ()
        return (min(candidates, key=lambda key: (key != name, key.casefold() != name.casefold())),)

    wanted_forms = {normalise(name) for name in wanted}
    pairs: dict[str, tuple[str, ...]] = {}
    for name in wanted:
        base, side = _split(name)
        found = pick(normalise(name), name)
        if not found and side and base not in _DIRECTIONS and base not in wanted_forms:
            found = _merged(base, forms, pick, name)
        elif not found and not side:
            halves = [f"{base} left", f"{base} right"]
            if not wanted_forms.intersection(halves):
                found = tuple(key for half in halves for key in pick(half, name))
        if found:
            pairs[name] = found
    used = {key for names in pairs.values() for key in names}
    return Match(
        pairs,
        tuple(name for name in wanted if name not in pairs),
        tuple(key for key in keys if key not in used),
    )


def _merged(
    base: str,
    forms: Mapping[str, list[str]],
    pick: Callable[[str, str], tuple[str, ...]],
    name: str,
) -> tuple[str, ...]:
    """The name for both halves, unless the mesh has one for either half alone."""
    if f"{base} left" in forms or f"{base} right" in forms:
        return ()
    return pick(base, name)


def retarget(found: Match, names: Sequence[str], weights: Floats) -> tuple[tuple[str, ...], Floats]:
    """Weights for a mesh's own names: those names, in order of use, and (T, K) float32.

    ``weights`` (T, P) belong to ``names``. A name driven by two poses (both halves of the face in
    one shape) gets their mean.
    """
    column = {name: index for index, name in enumerate(names)}
    sources = {
        key: [column[name] for name in wanted if name in column]
        for key, wanted in found.sources().items()
    }
    sources = {key: columns for key, columns in sources.items() if columns}
    values = np.asarray(weights, np.float32)[:, [columns[0] for columns in sources.values()]]
    for index, columns in enumerate(sources.values()):
        if len(columns) > 1:
            values[:, index] = weights[:, columns].mean(axis=1, dtype=np.float64)
    return tuple(sources), values

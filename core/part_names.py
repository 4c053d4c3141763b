# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a character an object or a bone usually is, by its name.

Understood are the names of Rigify, MakeHuman, Mixamo, Ready Player Me, Character Creator, Daz,
MetaHuman, VRM and MMD, in any spelling of words and sides. A name is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

TONGUE, LOWER_DENTURE, JAW, HEAD = "tongue", "lower_denture", "jaw", "head"
EYE_RIGHT, EYE_LEFT = "eye_right", "eye_left"

_DUPLICATE = re.compile(r"\.\d{3}$")
_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|[\s_.\-]+")
_SPLIT = {
    "lefteye": ("left", "eye"), "righteye": ("right", "eye"),
    "eyeleft": ("eye", "left"), "eyeright": ("eye", "right"),
    "leye": ("left", "eye"), "reye": ("right", "eye"),
    "eyel": ("eye", "left"), "eyer": ("eye", "right"),
    "eyeball": ("eye",), "eyeballl": ("eye", "left"), "eyeballr": ("eye", "right"),
    "lowerteeth": ("lower", "teeth"), "teethlower": ("teeth", "lower"),
    "upperteeth": ("upper", "teeth"), "teethupper": ("teeth", "upper"),
    "lowerjaw": ("lower", "jaw"), "upperjaw": ("upper", "jaw"), "jawlower": ("jaw", "lower"),
    "左目": ("left", "eye"), "右目": ("right", "eye"), "舌": ("tongue",), "頭": ("head",),
    "顎": ("jaw",), "あご": ("jaw",), "下顎": ("jaw",), "下歯": ("lower", "teeth"),
}  # fmt: skip
_SAME = {
    "l": "left", "r": "right", "mandible": "jaw", "dentures": "teeth", "denture": "teeth",
    "tooth": "teeth", "gums": "teeth", "gum": "teeth", "low": "lower", "bottom": "lower",
    "bot": "lower", "down": "lower", "b": "lower", "top": "upper", "up": "upper", "t": "upper",
}  # fmt: skip
_ELSEWHERE = frozenset({
    "lash", "lashes", "brow", "brows", "lid", "lids", "inner", "outer", "corner", "socket", "bag",
    "shadow", "occlusion", "tear", "tearline", "line", "target", "aim", "look", "lookat", "end",
    "nub", "tip", "pupil", "iris", "cornea", "highlight", "parent", "pole", "ik", "track",
    "tracker", "blink", "squint", "close", "wide", "glass", "glasses", "patch", "open", "muscle",
})  # fmt: skip
_DOUBTS = {"mch": 9, "org": 9, "def": 3, "master": -3}  # of Rigify: controls are what to turn


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, sides spelled out, without namespace and numbers."""
    text = _DUPLICATE.sub("", re.split(r"[:|]", name.strip())[-1])
    found: list[str] = []
    for piece in _WORD_BOUNDARY.split(text):
        word = piece.casefold()
        if word in ("b", "t") and not found:
            continue  # a prefix, not bottom and top
        if word and not word.isdigit():
            found += _SPLIT.get(word, (_SAME.get(word, word),))
    return tuple(found)


def object_part(name: str) -> tuple[str, int] | None:
    """The part that an object's name means and how doubtful that is (0: not at all), or None."""
    words = words_of(name)
    known = set(words)
    if known & _ELSEWHERE:
        return None
    if "tongue" in known:
        return TONGUE, len(words) - 1
    if "upper" not in known and ({"teeth", "lower"} <= known or "jaw" in known):
        return LOWER_DENTURE, len(words) - 1
    return _eye(words)


def bone_part(name: str) -> tuple[str, int] | None:
    """The part that a bone's name means and how doubtful that is, or None."""
    words = words_of(name)
    known = set(words)
    if known & _ELSEWHERE:
        return None
    sided = known & {"left", "right"}
    if "jaw" in known and not sided and "upper" not in known and "teeth" not in known:
        return JAW, _doubt(words)
    if "head" in known and not sided and not known & {"upper", "lower", "eye", "jaw"}:
        return HEAD, _doubt(words)
    return _eye(words)


def _eye(words: tuple[str, ...]) -> tuple[str, int] | None:
    known = set(words)
    sides = known & {"left", "right"}
    if "eye" not in known or len(sides) != 1 or known & {"upper", "lower"}:
        return None
    return (EYE_LEFT if "left" in sides else EYE_RIGHT), _doubt(words) - 1


def _doubt(words: tuple[str, ...]) -> int:
    return len(words) - 1 + sum(_DOUBTS.get(word, 0) for word in words)


def best_bones(names: Iterable[str]) -> dict[str, str]:
    """For each part the bone that means it best; of equals the first."""
    found: dict[str, tuple[int, str]] = {}
    for name in names:
        part = bone_part(name)
        if part is not None and (part[0] not in found or part[1] < found[part[0]][0]):
            found[part[0]] = (part[1], name)
    return {part: name for part, (_doubt, name) in found.items()}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape names in the field's order, which of them mirror each other, and who moves what."""

from __future__ import annotations

_SIDED_EYES = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")


def _both(*stems: str) -> tuple[str, ...]:
    return tuple(stem + side for stem in stems for side in ("Left", "Right"))


ARKIT = (
    *(f"eye{stem}{side}" for side in ("Left", "Right") for stem in _SIDED_EYES),
    *("jawForward", "jawLeft", "jawRight", "jawOpen"),
    *("mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight"),
    *_both("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *_both("mouthPress", "mouthLowerDown", "mouthUpperUp"),
    *_both("browDown"),
    "browInnerUp",
    *_both("browOuterUp"),
    "cheekPuff",
    *_both("cheekSquint", "noseSneer"),
    "tongueOut",
)

_TONGUE_STEMS = ("Up", "Down", "Left", "Right")
TONGUE = (
    *(f"tongue{part}{way}" for part in ("Tip", "Roll", "") for way in _TONGUE_STEMS),
    *("tongueIn", "tongueStretch", "tongueWide", "tongueNarrow"),
)

JAW = ("jawOpen", "jawForward", "jawLeft", "jawRight")
UPPER_FACE = tuple(n for n in ARKIT if n.startswith(("eye", "brow", "noseSneer", "cheekSquint")))


def mirror_of(name: str) -> str:
    """The shape on the other side; a centre shape is its own mirror image."""
    if name.endswith("Left"):
        return name[: -len("Left")] + "Right"
    if name.endswith("Right"):
        return name[: -len("Right")] + "Left"
    return name

# SPDX-License-Identifier: GPL-3.0-or-later
"""The older of Audio2Face's two sets of poses: 46, named after facial muscles.

``TO_FACS`` leads from the 52 ARKit poses to the 46, ``FROM_FACS`` back. From the 46 to the 52 and
back nothing is lost but the sides of innerBrowRaiser and cheekPuff, which ARKit has one pose for.
The jaw that drops while the lips stay near counts 0.6 of a drop, as public readers of that set
have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..face.track import FaceTrack
from ..naming import ARKIT_NAMES
from .channel_map import ChannelMap

FACS_NAMES: tuple[str, ...] = (
    *("browLowerL", "browLowerR", "innerBrowRaiserL", "innerBrowRaiserR"),
    *("outerBrowRaiserL", "outerBrowRaiserR"),
    *("eyesLookLeft", "eyesLookRight", "eyesLookUp", "eyesLookDown"),
    *("eyesCloseL", "eyesCloseR", "eyesUpperLidRaiserL", "eyesUpperLidRaiserR"),
    *("squintL", "squintR", "cheekRaiserL", "cheekRaiserR", "cheekPuffL", "cheekPuffR"),
    *("noseWrinklerL", "noseWrinklerR"),
    *("jawDrop", "jawDropLipTowards", "jawThrust", "jawSlideLeft", "jawSlideRight"),
    *("mouthSlideLeft", "mouthSlideRight", "dimplerL", "dimplerR"),
    *("lipCornerPullerL", "lipCornerPullerR", "lipCornerDepressorL", "lipCornerDepressorR"),
    *("lipStretcherL", "lipStretcherR", "upperLipRaiserL", "upperLipRaiserR"),
    *("lowerLipDepressorL", "lowerLipDepressorR"),
    *("chinRaiser", "lipPressor", "pucker", "funneler", "lipSuck"),
)
TOWARDS = 0.6  # of a jawDrop, in a jawDropLipTowards

# Poses of one side: name in the 46 without its side, name in the 52 without its side
_SIDED = {
    "browLower": "browDown",
    "outerBrowRaiser": "browOuterUp",
    "eyesClose": "eyeBlink",
    "eyesUpperLidRaiser": "eyeWide",
    "squint": "eyeSquint",
    "cheekRaiser": "cheekSquint",
    "noseWrinkler": "noseSneer",
    "dimpler": "mouthDimple",
    "lipCornerPuller": "mouthSmile",
    "lipCornerDepressor": "mouthFrown",
    "lipStretcher": "mouthStretch",
    "upperLipRaiser": "mouthUpperUp",
    "lowerLipDepressor": "mouthLowerDown",
}
_ALIKE = {
    "jawThrust": "jawForward",
    "jawSlideLeft": "jawLeft",
    "jawSlideRight": "jawRight",
    "mouthSlideLeft": "mouthLeft",
    "mouthSlideRight": "mouthRight",
    "pucker": "mouthPucker",
    "funneler": "mouthFunnel",
}
# Both eyes together: the eye on that side looks out, the other in
_LOOKS = {
    "eyesLookLeft": ("eyeLookOutLeft", "eyeLookInRight"),
    "eyesLookRight": ("eyeLookInLeft", "eyeLookOutRight"),
    "eyesLookUp": ("eyeLookUpLeft", "eyeLookUpRight"),
    "eyesLookDown": ("eyeLookDownLeft", "eyeLookDownRight"),
    "lipPressor": ("mouthPressLeft", "mouthPressRight"),
    "lipSuck": ("mouthRollLower", "mouthRollUpper"),
}


def _to_facs() -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for ours, theirs in _SIDED.items():
        for short, long in (("L", "Left"), ("R", "Right")):
            rows[f"{ours}{short}"] = {f"{theirs}{long}": 1.0}
    rows |= {name: {source: 1.0} for name, source in _ALIKE.items()}
    rows |= {name: dict.fromkeys(pair, 0.5) for name, pair in _LOOKS.items()}
    for short in "LR":
        rows[f"innerBrowRaiser{short}"] = {"browInnerUp": 1.0}
        rows[f"cheekPuff{short}"] = {"cheekPuff": 1.0}
    rows["chinRaiser"] = {"mouthShrugLower": 1.0}
    rows["jawDrop"] = {"jawOpen": 1.0, "mouthClose": -1.0}
    rows["jawDropLipTowards"] = {"mouthClose": 1.0 / TOWARDS}
    return {name: rows[name] for name in FACS_NAMES}


def _from_facs() -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {name: {} for name in ARKIT_NAMES}
    for theirs, ours in _SIDED.items():
        for short, long in (("L", "Left"), ("R", "Right")):
            rows[f"{ours}{long}"] = {f"{theirs}{short}": 1.0}
    for theirs, ours in _ALIKE.items():
        rows[ours] = {theirs: 1.0}
    for theirs, pair in _LOOKS.items():
        for ours in pair:
            rows[ours] = {theirs: 1.0}
    rows["browInnerUp"] = {"innerBrowRaiserL": 0.5, "innerBrowRaiserR": 0.5}
    rows["cheekPuff"] = {"cheekPuffL": 0.5, "cheekPuffR": 0.5}
    rows["mouthShrugLower"] = {"chinRaiser": 1.0}
    rows["mouthShrugUpper"] = {"chinRaiser": 0.5}
    rows["jawOpen"] = {"jawDrop": 1.0, "jawDropLipTowards": TOWARDS}
    rows["mouthClose"] = {"jawDropLipTowards": TOWARDS}
    return rows


TO_FACS = ChannelMap(_to_facs(), "52 ARKit poses to 46 FACS poses")
FROM_FACS = ChannelMap(_from_facs(), "46 FACS poses to 52 ARKit poses")


def is_facs(names: Sequence[str]) -> bool:
    """Whether these are names of the older set rather than ARKit's."""
    known = set(names)
    return len(known & set(FACS_NAMES)) > len(known & set(ARKIT_NAMES))


def as_facs(face: FaceTrack) -> FaceTrack:
    """The face by the 46 poses; jaw, eyes and head as they are."""
    return replace(face, names=FACS_NAMES, weights=TO_FACS.apply(face.names, face.weights))


def as_arkit(face: FaceTrack) -> FaceTrack:
    """A face by the 46 poses as one by the 52; one by others as it is."""
    if not is_facs(face.names):
        return face
    return replace(face, names=ARKIT_NAMES, weights=FROM_FACS.apply(face.names, face.weights))

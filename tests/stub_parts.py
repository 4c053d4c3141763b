# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model folders of the tests have in common: names, poses, rigs, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

EMOTIONS = (
    "amazement", "anger", "cheekiness", "disgust", "fear", "grief", "joy", "outofbreath", "pain",
    "sadness",
)  # fmt: skip
TONGUE_NAMES = (
    "tongueTipUp", "tongueTipDown", "tongueTipLeft", "tongueTipRight", "tongueRollUp",
    "tongueRollDown", "tongueRollLeft", "tongueRollRight", "tongueUp", "tongueDown", "tongueLeft",
    "tongueRight", "tongueIn", "tongueStretch", "tongueWide", "tongueNarrow",
)  # fmt: skip
INACTIVE = ("eyeLook", "tongueOut")
JAW = np.array([[0, -6, 4], [2, -6, 3], [-2, -6, 3], [3, -5, 0], [-3, -5, 0]], np.float32)


def arkit_names() -> tuple[str, ...]:
    """The 52 names in the published order, written by hand here so that tests can compare."""
    eye = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
    names = [f"eye{part}{side}" for side in ("Left", "Right") for part in eye]
    names += ["jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel"]
    names += ["mouthPucker", "mouthLeft", "mouthRight"]
    for part in ("Smile", "Frown", "Dimple", "Stretch"):
        names += [f"mouth{part}Left", f"mouth{part}Right"]
    names += ["mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"]
    for part in ("Press", "LowerDown", "UpperUp"):
        names += [f"mouth{part}Left", f"mouth{part}Right"]
    names += ["browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"]
    names += ["cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft"]
    names += ["noseSneerRight", "tongueOut"]
    return tuple(names)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def solve_config(names: tuple[str, ...], **changes: Any) -> dict[str, Any]:
    """A bs_*_config.json whose solve is nearly exact; ``changes`` replace keys."""
    count = len(names)
    config = {
        "strengthL1regularization": 0.1,
        "strengthL2regularization": 0.1,
        "strengthTemporalSmoothing": 0.0,
        "strengthSymmetry": 0.0,
        "templateBBSize": 50.0,
        "numPoses": count,
        "bsSolveActivePoses": [int(not name.startswith(INACTIVE)) for name in names],
        "bsSolveCancelPoses": [-1] * count,
        "bsSolveSymmetryPoses": [-1] * count,
        "bsWeightMultipliers": [1.0] * count,
        "bsWeightOffsets": [0.0] * count,
    }
    return {"blendshape_params": {**config, **changes}}


def write_rig(
    path: Path, names: tuple[str, ...], neutral: np.ndarray, deltas: np.ndarray, mask: bool = False
) -> None:
    """Write a bs_*.npz; ``mask`` leaves the last quarter of the vertices out of the solve."""
    arrays: dict[str, Any] = dict(zip(names, deltas, strict=True))
    if mask:
        arrays["frontalMask"] = np.arange(0, len(neutral) * 3 // 4, dtype=np.int32)
    np.savez(path, poseNames=np.array(["neutral", *names]), neutral=neutral, **arrays)


def face_neutral(rng: np.random.Generator, vertices: int) -> np.ndarray:
    """A cloud (V, 3) of the size of a face; two vertices mark its lowest and highest point."""
    neutral = rng.uniform((-8, -14, -6), (8, 14, 10), (vertices, 3)).astype(np.float32)
    neutral[:2, 1] = (-14, 14)
    return neutral


def face_deltas(rng: np.random.Generator, neutral: np.ndarray) -> np.ndarray:
    """The 52 poses (52, V, 3): those of eyes and brows high on the face, the others low."""
    upper = [name.startswith(("eye", "brow")) for name in arkit_names()]
    return local_deltas(rng, neutral, len(upper), upper)


def local_deltas(
    rng: np.random.Generator, neutral: np.ndarray, count: int, upper: list[bool] | None = None
) -> np.ndarray:
    """Poses (count, V, 3) that each move a neighbourhood, high or low on the face if said."""
    deltas = np.zeros((count, *neutral.shape), np.float32)
    if not len(neutral):
        return deltas
    reach = np.ptp(neutral, axis=0).max() / 4
    for pose in range(count):
        places = neutral
        if upper is not None:
            places = neutral[(neutral[:, 1] > 7) if upper[pose] else (neutral[:, 1] < -2)]
        centre = places[rng.integers(len(places))]
        fall = np.exp(-(((neutral - centre) / reach) ** 2).sum(axis=1))
        deltas[pose] = fall[:, None] * rng.normal(0, 1, 3) + rng.normal(0, 0.02, neutral.shape)
    return deltas

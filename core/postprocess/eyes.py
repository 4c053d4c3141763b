# SPDX-License-Identifier: GPL-3.0-or-later
"""The eyes: their angles, and the eyeLook poses that let the lids follow.

Angles are degrees, [right, left][X pitch, Y yaw], right-handed about the axes of an eye that faces
+Z with Y up: positive pitch looks down, positive yaw looks to the character's left.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..arrays import Doubles, Floats, Integers
from ..parameters import Settings

SACCADE_RATE = 30  # rows of the table per second
# Angles at which an eyeLook pose is full: the ranges that ARKit heads are commonly modelled for.
LOOK_IN, LOOK_OUT, LOOK_DOWN, LOOK_UP = 14.5, 13.8, 10.7, 9.5


def saccade_rows(count: int, fps: Fraction, seed: int, rows: int, first: int = 0) -> Integers:
    """Rows (count,) int64 of the table of eye darts: floor(seed + 30 i / fps) mod rows, held.

    ``first`` is i of the first frame.
    """
    steps = np.arange(first, first + count, dtype=np.int64) * (SACCADE_RATE * fps.denominator)
    return (seed + steps // fps.numerator) % rows


def eye_angles(
    eyes: Floats, saccades: Floats, fps: Fraction, settings: Settings, first: int = 0
) -> Floats:
    """Angles (T, 2, 2) float32 from the network's ``eyes`` (T, 2, 2) and the table (N, 2).

    ``offset + eyeballs_strength * network + saccade_strength * dart``, the same dart for both eyes
    (published SDK behaviour). ``first`` is the number of the first frame in its take.
    """
    rows = saccade_rows(len(eyes), fps, settings.eye_saccade_seed, len(saccades), first)
    offsets = np.array(
        [
            [settings.right_eye_rot_x_offset, settings.right_eye_rot_y_offset],
            [settings.left_eye_rot_x_offset, settings.left_eye_rot_y_offset],
        ]
    )
    darts = saccades[rows].astype(np.float64)[:, None] * settings.saccade_strength
    angles = offsets + eyes.astype(np.float64) * settings.eyeballs_strength + darts
    return angles.astype(np.float32)


def eye_look_weights(angles: Floats) -> dict[str, Floats]:
    """Weights (T,) float32, 0..1, of the eight eyeLook poses for angles (T, 2, 2)."""
    weights: dict[str, Doubles] = {}
    for eye, side in ((0, "Right"), (1, "Left")):
        pitch = angles[:, eye, 0].astype(np.float64)
        outward = angles[:, eye, 1].astype(np.float64) * (1 if side == "Left" else -1)
        weights[f"eyeLookDown{side}"] = pitch / LOOK_DOWN
        weights[f"eyeLookUp{side}"] = -pitch / LOOK_UP
        weights[f"eyeLookOut{side}"] = outward / LOOK_OUT
        weights[f"eyeLookIn{side}"] = -outward / LOOK_IN
    return {name: np.clip(w, 0, 1).astype(np.float32) for name, w in weights.items()}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces to write: everything of them moves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from facewright.core.exchange.weights_json import turns_of
from facewright.core.face.track import FaceTrack
from facewright.core.naming import CANONICAL_NAMES


def moving_face(frames: int = 70, fps: Fraction | int = 30, seed: int = 0) -> FaceTrack:
    """Random weights, a jaw that turns and shifts, eyes, a head."""
    rng = np.random.default_rng(seed)
    jaw = np.repeat(np.eye(4)[None], frames, axis=0)
    jaw[:, :3, :3] = turns_of(rng.uniform(-40, 40, (frames, 3)))
    jaw[:, :3, 3] = rng.uniform(-5, 5, (frames, 3))
    return FaceTrack(
        names=CANONICAL_NAMES,
        weights=rng.uniform(0, 1, (frames, len(CANONICAL_NAMES))).astype(np.float32),
        jaw=jaw.astype(np.float32),
        eyes=rng.uniform(-20, 20, (frames, 2, 2)).astype(np.float32),
        fps=Fraction(fps),
        duration_s=float(frames / Fraction(fps)),
        head=rng.uniform(-9, 9, (frames, 3)).astype(np.float32),
    )

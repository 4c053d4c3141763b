# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of diffusion models, for several test modules."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from facewright.core.emotion.track import constant
from facewright.core.models.model import settings_for
from facewright.core.motion import shapes_of
from facewright.core.network import listening as network


def settings_of(model, **overrides):
    return settings_for(model, overrides)


def listen(opened, model, clip, emotion=None, settings=None, **rest):
    values = settings or settings_of(model)
    track = emotion or constant(values.emotion(model.info.emotions))
    return network.listen(opened, model, clip, Fraction(24), track, values, **rest)


def frames(model, motion):
    """Rows (T, channels) float64 of a motion: vertices again instead of coefficients."""
    shapes = shapes_of(model, motion)
    count = motion.frame_count
    parts = [
        np.einsum("ts,svx->tvx", motion.skin.astype(float), shapes.skin),
        np.einsum("ts,svx->tvx", motion.tongue.astype(float), shapes.tongue),
        motion.jaw,
        motion.eyes,
    ]
    return np.hstack([part.reshape(count, -1) for part in parts])

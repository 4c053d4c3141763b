# SPDX-License-Identifier: GPL-3.0-or-later
"""The tongue: strength and place. No smoothing (published SDK behaviour)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import limits
from ..arrays import Doubles, Floats
from ..models.model import ModelData
from ..parameters import Settings


def tongue_controls(coefficients: Floats, settings: Settings) -> Doubles:
    """Coefficients (T, Tt) float64 with the tongue's strength applied."""
    return coefficients.astype(np.float64) * settings.tongue_strength


def tongue_rest(data: ModelData, settings: Settings) -> Doubles:
    """Vertices (Vt, 3) float64 at rest, moved by height (Y) and depth (Z), not by strength."""
    offset = (0.0, settings.tongue_height_offset, settings.tongue_depth_offset)
    return data.tongue_neutral.astype(np.float64) + np.array(offset)


def tongue_blocks(
    data: ModelData, shapes: Floats, coefficients: Floats, settings: Settings
) -> Iterator[Floats]:
    """Yield the tongue's vertices (n, Vt, 3) float32 block by block, n <= 128, in order.

    ``shapes`` (Tt, Vt, 3) and ``coefficients`` (T, Tt) of a motion.
    """
    rest = tongue_rest(data, settings).astype(np.float32)
    basis = shapes.reshape(len(shapes), rest.size)
    for first in range(0, len(coefficients), limits.GEOMETRY_BLOCK):
        block = coefficients[first : first + limits.GEOMETRY_BLOCK]
        moved = tongue_controls(block, settings).astype(np.float32) @ basis
        yield moved.reshape(len(block), *rest.shape) + rest

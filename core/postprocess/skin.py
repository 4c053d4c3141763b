# SPDX-License-Identifier: GPL-3.0-or-later
"""The skin: strengths, lids and lips, smoothing over time, and the border between face regions.

Published SDK behaviour, per frame, with ``d`` the motion of every vertex:

1. ``d = skin_strength * delta + eye_close * (-eyelid_open_offset + blink * blink_strength)
   + lip_open * lip_open_offset``
2. two smoothers, upper and lower, each two one-pole filters in a row whose half-life is the
   smoothing time: ``a = 1 - 0.5 ** (dt / smoothing)``; the first frame sets the state
3. ``m = 1 / (1 + exp(-(level - h) / softness))`` with ``h`` the height of the vertex at rest
4. ``neutral + upper_strength * (1 - m) * upper + lower_strength * m * lower``

``delta`` is linear in the network's coefficients and so is everything after it. Smoothing
therefore runs on *controls* (the coefficients, then lids, then lips) instead of on vertices, which
is the same thing at a hundredth of the work; ``skin_geometry`` makes vertices of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .. import limits
from ..arrays import Doubles, Floats
from ..errors import UserError
from ..models.model import ModelData
from ..parameters import Settings


@dataclass(frozen=True)
class SmoothingState:
    """Outputs of the first and second filter, each (2, K) float64: upper face, lower face."""

    first: Doubles
    second: Doubles


def skin_controls(coefficients: Floats, blink: Doubles, settings: Settings) -> Doubles:
    """Controls (T, S + 2) float64 of a motion's skin ``coefficients`` (T, S) float32.

    ``blink`` (T,) is the closing of the lids, 0..1, per frame.
    """
    count, shapes = coefficients.shape
    controls = np.empty((count, shapes + 2))
    controls[:, :shapes] = coefficients
    controls[:, :shapes] *= settings.skin_strength
    controls[:, shapes] = blink * settings.blink_strength - settings.eyelid_open_offset
    controls[:, shapes + 1] = settings.lip_open_offset
    return controls


def _gain(smoothing_s: float, dt_s: float) -> float:
    return 1.0 - 0.5 ** (dt_s / smoothing_s) if smoothing_s > 0 else 1.0


def smooth(
    controls: Doubles, fps: Fraction, settings: Settings, state: SmoothingState | None = None
) -> tuple[Doubles, SmoothingState | None]:
    """Smooth controls (T, K) for both regions: (T, 2, K) float64 [upper, lower], and the state.

    Feed blocks one after the other with the state returned last; cut or whole, the result is the
    same to the bit. ``state`` None starts anew at the first frame's values. Later blocks may have
    more shapes than those before (a diffusion motion that goes on).
    """
    dt_s = float(1 / fps)
    gains = np.array(
        [
            [_gain(settings.upper_face_smoothing, dt_s)],
            [_gain(settings.lower_face_smoothing, dt_s)],
        ]
    )
    result = np.empty((len(controls), 2, controls.shape[1]))
    if not len(controls):
        return result, state
    if state is None:
        state = SmoothingState(*(np.repeat(controls[:1], 2, axis=0) for _ in range(2)))
    first = _grown(state.first, controls.shape[1])
    second = _grown(state.second, controls.shape[1])
    for frame, values in enumerate(controls):
        first += (values - first) * gains
        second += (first - second) * gains
        result[frame] = second
    return result, SmoothingState(first, second)


def smoothing_memory(fps: Fraction, settings: Settings, tolerance: float) -> int:
    """Frames after which the smoothers know no more of what was before than ``tolerance`` of it.

    Two equal filters in a row that were off by 1 are off by ``b^n (1 + n a)`` after n frames, with
    ``a`` of the docstring above and ``b = 1 - a``.
    """
    slowest = max(settings.upper_face_smoothing, settings.lower_face_smoothing)
    gain = _gain(slowest, float(1 / fps))
    if gain >= 1.0:
        return 0
    low, high = 0, 1
    while (1.0 - gain) ** high * (1.0 + high * gain) > tolerance:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = (1.0 - gain) ** middle * (1.0 + middle * gain) <= tolerance
        low, high = (low, middle) if enough else (middle, high)
    return high


def _grown(values: Doubles, width: int) -> Doubles:
    """A copy (2, width): shapes that came up since the last block were at 0 all the while.

    They stand before the two controls of lids and lips.
    """
    return np.insert(values, [values.shape[1] - 2] * (width - values.shape[1]), 0.0, axis=1)


def face_mask(neutral: Floats, level: float, softness: float) -> Doubles:
    """Share (V,) float64 of the lower face at each vertex: 1 low on the face, 0 high on it.

    ``level`` and ``softness`` > 0 are shares of the height of ``neutral`` (V, 3), Y up.
    Raises UserError when the face has no height.
    """
    heights = neutral[:, 1].astype(np.float64)
    low, high = heights.min(), heights.max()
    if not high > low:
        raise UserError("The model's face has no height.", "Download the model again.")
    exponent = np.clip((level - (heights - low) / (high - low)) / softness, -700.0, 700.0)
    return 1.0 / (1.0 + np.exp(-exponent))


def region_shares(neutral: Floats, settings: Settings) -> Doubles:
    """Shares (2, V) float64 of the upper and the lower face at each vertex; they add up to 1."""
    lower = face_mask(neutral, settings.face_mask_level, settings.face_mask_softness)
    return np.stack([1.0 - lower, lower])


def region_strengths(neutral: Floats, settings: Settings) -> Doubles:
    """Factors (2, V) float64 of the smoothed upper and lower motion at each vertex."""
    strengths = np.array([settings.upper_face_strength, settings.lower_face_strength])
    return region_shares(neutral, settings) * strengths[:, None]


def skin_basis(data: ModelData, shapes: Floats) -> Floats:
    """Motion (S + 2, V, 3) float32 of one unit of each control: shapes, lids closed, lips open.

    ``shapes`` (S, V, 3) float32 are those that the motion's coefficients stand for.
    """
    extra = np.stack([data.eye_close_delta, data.lip_open_delta])
    return np.concatenate([shapes, extra])


def skin_geometry(data: ModelData, basis: Floats, smoothed: Doubles, settings: Settings) -> Floats:
    """Vertices (T, V, 3) float32 of smoothed controls (T, 2, K). For a block, not a whole clip.

    ``basis`` (K, V, 3) is that of ``skin_basis``.
    """
    count, _, controls = smoothed.shape
    moves = basis.reshape(controls, -1)
    strengths = region_strengths(data.skin_neutral, settings).astype(np.float32)
    result = np.empty((count, *data.skin_neutral.shape), np.float32)
    result[:] = data.skin_neutral
    for region in range(2):
        moved = smoothed[:, region].astype(np.float32) @ moves
        moved = moved.reshape(result.shape)
        moved *= strengths[region][:, None]
        result += moved
    return result


def skin_blocks(
    data: ModelData,
    shapes: Floats,
    coefficients: Floats,
    blink: Doubles,
    fps: Fraction,
    settings: Settings,
) -> Iterator[Floats]:
    """Yield the skin's vertices (n, V, 3) float32 block by block, n <= 128, in order.

    ``shapes`` (S, V, 3) and ``coefficients`` (T, S) of a motion; ``blink`` (T,).
    """
    basis = skin_basis(data, shapes)
    state: SmoothingState | None = None
    for first in range(0, len(coefficients), limits.GEOMETRY_BLOCK):
        last = first + limits.GEOMETRY_BLOCK
        controls = skin_controls(coefficients[first:last], blink[first:last], settings)
        smoothed, state = smooth(controls, fps, settings, state)
        yield skin_geometry(data, basis, smoothed, settings)

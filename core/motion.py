# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network says, in its own space and before any post-processing.

Both families of models end here: the skin and the tongue are coefficients of shapes, so every
later stage is one code. Regression models bring their shapes in the folder; a diffusion model's
shapes are found in its own output (``compact``) and travel with the motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from .arrays import Floats, Integers
from .models.model import Model


@dataclass(frozen=True)
class MotionShapes:
    """What one unit of each coefficient moves, float32, the model's unit.

    ``skin`` (S, V, 3) and ``tongue`` (Tt, Vt, 3), both from rest.
    """

    skin: Floats
    tongue: Floats


@dataclass(frozen=True)
class Motion:
    """What the network says per frame, before any post-processing.

    ``skin``    (T, S) and ``tongue`` (T, Tt) coefficients of the shapes
    ``jaw``     (T, J, 3) motion of the lower teeth's markers from rest, the model's unit
    ``eyes``    (T, 2, 2) degrees, [right, left][X pitch, Y yaw]
    ``fps``     frames per second, exact; frame i is at i / fps; all arrays float32
    ``shapes``  what the coefficients stand for; None: the shapes of the model's folder
    """

    skin: Floats
    tongue: Floats
    jaw: Floats
    eyes: Floats
    fps: Fraction
    shapes: MotionShapes | None = None

    @property
    def frame_count(self) -> int:
        return int(self.skin.shape[0])


def shapes_of(model: Model, motion: Motion) -> MotionShapes:
    """The shapes that the motion's coefficients stand for."""
    if motion.shapes is not None:
        return motion.shapes
    return MotionShapes(model.data.skin_shapes, model.data.tongue_shapes)


def part_of(motion: Motion, first: int, last: int | None = None) -> Motion:
    """The frames ``first`` .. ``last - 1`` of a motion, with its shapes."""
    part = slice(first, last)
    return replace(
        motion,
        skin=motion.skin[part],
        tongue=motion.tongue[part],
        jaw=motion.jaw[part],
        eyes=motion.eyes[part],
    )


def joined(parts: Sequence[Motion]) -> Motion:
    """One motion of several that follow each other, at one rate.

    Each part's shapes have to begin with those of the parts before it (as a growing ``Compactor``
    gives them); the last part's shapes are the whole's. At least one part.
    """
    last = parts[-1]
    return replace(
        last,
        skin=_stacked([part.skin for part in parts], last.skin.shape[1]),
        tongue=_stacked([part.tongue for part in parts], last.tongue.shape[1]),
        jaw=np.concatenate([part.jaw for part in parts]),
        eyes=np.concatenate([part.eyes for part in parts]),
    )


def _stacked(blocks: Sequence[Floats], width: int) -> Floats:
    """Rows of all blocks, (T, width); coefficients that a block did not know yet are 0."""
    result = np.zeros((sum(len(block) for block in blocks), width), np.float32)
    first = 0
    for block in blocks:
        result[first : first + len(block), : block.shape[1]] = block
        first += len(block)
    return result


def at_rate(motion: Motion, fps: Fraction, count: int) -> Motion:
    """The motion at another frame rate: ``count`` frames at i / ``fps``.

    Linear between the motion's frames, its last one is held. The motion itself when rate and
    count are the same. Every later stage is linear in the coefficients, so this is the same as
    interpolating vertices.
    """
    if fps == motion.fps and count == motion.frame_count:
        return motion
    return frames_at_rate(motion, fps, 0, count)


def frames_at_rate(motion: Motion, fps: Fraction, first: int, last: int, origin: int = 0) -> Motion:
    """Frames ``first`` .. ``last - 1`` at ``fps`` of a motion whose first frame is its ``origin``.

    For blocks of a longer motion: any cut gives the same frames to the bit, as long as the frames
    on both sides of each are there.
    """
    steps = np.arange(first, last, dtype=np.int64) * (motion.fps.numerator * fps.denominator)
    divisor = motion.fps.denominator * fps.numerator
    end = max(motion.frame_count - 1, 0)
    low: Integers = np.minimum(steps // divisor - origin, end)
    high: Integers = np.minimum(low + 1, end)
    share = (steps % divisor / divisor).astype(np.float32)

    def between(values: Floats) -> Floats:
        if not len(values):
            return np.zeros((len(low), *values.shape[1:]), np.float32)
        weights = share.reshape(-1, *[1] * (values.ndim - 1))
        return values[low] + (values[high] - values[low]) * weights

    return Motion(
        between(motion.skin),
        between(motion.tongue),
        between(motion.jaw),
        between(motion.eyes),
        fps,
        motion.shapes,
    )


def first_source(frame: int, fps: Fraction, source_fps: Fraction) -> int:
    """Index of the first frame at ``source_fps`` that ``frame`` at ``fps`` is made from."""
    step = frame * source_fps.numerator * fps.denominator
    return step // (source_fps.denominator * fps.numerator)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which moments of a scene a file's frames are, and going through them."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from .rates import scene_rate

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Span:
    """The frames of a file: frame i is at ``first + i * step`` of the scene's frames.

    ``count`` frames, ``rate`` of them per second, exact.
    """

    first: float
    count: int
    rate: Fraction
    step: Fraction

    @property
    def frames(self) -> Array:
        """The scene's frames (count,) float64."""
        return self.first + np.arange(self.count) * float(self.step)


def span_of(
    scene: bpy.types.Scene, first: float, last: float, rate: Fraction | None = None
) -> Span:
    """From a scene's frame to another, both included, at a rate of frames per second; None is the
    scene's. Raises UserError when the last comes before the first."""
    if last < first:
        raise UserError(
            f"The range ends at frame {last:g}, before it begins at {first:g}.",
            "Let the end come after the start.",
        )
    own = scene_rate(scene)
    rate = rate or own
    step = own / rate
    count = 1 + math.floor((last - first) / float(step) + 1e-6)
    return Span(float(first), count, rate, step)


def visit(scene: bpy.types.Scene, span: Span) -> Generator[int, None, None]:
    """Bring the scene to each moment of a span in turn, yielding its number; in the end, or when it
    is closed, the scene is where it was."""
    before = (scene.frame_current, scene.frame_subframe)
    try:
        for place, frame in enumerate(span.frames):
            whole = math.floor(frame)
            scene.frame_set(whole, subframe=float(frame - whole))
            yield place
    finally:
        scene.frame_set(before[0], subframe=before[1])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates, exact, and where a take's frames lie among a scene's."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.face.track import FaceTrack
from ..core.limits import MAX_FPS, MIN_FPS
from ..core.windows import scene_fps

Array = np.ndarray[Any, Any]


def scene_rate(scene: bpy.types.Scene) -> Fraction:
    """The scene's real frames per second: 24 / 1.001 is exactly 24000/1001."""
    return scene_fps(scene.render.fps, scene.render.fps_base)


def parse_rate(value: str | float | Fraction) -> Fraction:
    """A rate as people write it: 24, "23.976", "24000/1001". Raises UserError.

    Decimals near a 1000/1001 rate mean that rate.
    """
    try:
        rate = Fraction(value) if not isinstance(value, str) else Fraction(value.strip())
        if rate.denominator > 1 and not (isinstance(value, str) and "/" in value):
            whole = Fraction(math.ceil(rate))
            broadcast = whole * 1000 / 1001
            rate = broadcast if abs(broadcast - rate) < 0.005 else rate.limit_denominator(10_000)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        rate = Fraction(0)
    if not MIN_FPS <= rate <= MAX_FPS:
        raise UserError(
            f"The frame rate {value} is wrong.",
            f"Give frames per second from {MIN_FPS} to {MAX_FPS}, such as 24, 23.976 or 60.",
        )
    return rate


def take_frames(face: FaceTrack, rate: Fraction, start_frame: float) -> Array:
    """The scene's frame (T,) of each of a take's frames; fractions where the rates differ."""
    return start_frame + np.arange(face.frame_count) * float(rate / face.fps)

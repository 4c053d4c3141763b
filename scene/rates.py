# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates, exact, and where a take's frames lie among a scene's."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import bpy
import numpy as np

from ..core.face.track import FaceTrack
from ..core.windows import parse_rate as parse_rate
from ..core.windows import scene_fps

Array = np.ndarray[Any, Any]


def scene_rate(scene: bpy.types.Scene) -> Fraction:
    """The scene's real frames per second: 24 / 1.001 is exactly 24000/1001."""
    return scene_fps(scene.render.fps, scene.render.fps_base)


def take_frames(face: FaceTrack, rate: Fraction, start_frame: float) -> Array:
    """The scene's frame (T,) of each of a take's frames; fractions where the rates differ."""
    return start_frame + np.arange(face.frame_count) * float(rate / face.fps)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which samples of a voice each frame of the animation is made from.

Window progress of the published SDK, in integers: frame i is at sample
``floor(i * 16000 / fps)``; its window starts ``target_offset`` samples earlier. Samples outside
the voice are silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from . import limits
from .arrays import Floats, Integers
from .errors import UserError


@dataclass(frozen=True)
class WindowPlan:
    """Windows of a whole voice.

    ``starts``   (T,) int64, first sample of each window; may be negative or past the end
    ``targets``  (T,) int64, the sample at which the frame is: floor(i * 16000 / fps)
    ``length``   samples per window
    ``fps``      frames per second, exact
    """

    starts: Integers
    targets: Integers
    length: int
    fps: Fraction

    @property
    def frame_count(self) -> int:
        return len(self.targets)


def exact_fps(fps: Fraction | float) -> Fraction:
    """Return frames per second as a fraction that all later sums are exact with.

    Raises UserError for anything that is not a number between 1 and 1000.
    """
    if not isinstance(fps, Fraction) and not math.isfinite(fps):
        raise UserError(f"A frame rate of {fps} is not possible.", "Use 24, 30 or 60, for example.")
    exact = Fraction(fps).limit_denominator(limits.MAX_FPS_DENOMINATOR)
    if not limits.MIN_FPS <= exact <= limits.MAX_FPS:
        raise UserError(
            f"A frame rate of {float(fps):g} is not possible; it has to be between "
            f"{limits.MIN_FPS} and {limits.MAX_FPS} frames per second.",
            "Use 24, 30 or 60, for example.",
        )
    return exact


def scene_fps(fps: int, fps_base: float) -> Fraction:
    """Exact rate of a scene: 24 / 1.001 is 24000/1001 although the base is stored inexactly.

    Raises UserError as ``exact_fps``.
    """
    if not math.isfinite(fps_base) or fps_base <= 0:
        raise UserError(f"A frame rate base of {fps_base} is not possible.", "Set it to 1.")
    base = Fraction(fps_base).limit_denominator(1_000) or Fraction(fps_base)
    return exact_fps(Fraction(fps) / base)


def frame_samples(count: int, fps: Fraction) -> Integers:
    """Samples (count,) int64 of the frames 0..count-1 at 16 kHz: floor(i * 16000 / fps)."""
    steps = np.arange(count, dtype=np.int64) * (limits.SAMPLE_RATE * fps.denominator)
    return steps // np.int64(fps.numerator)


def count_frames(sample_count: int, fps: Fraction) -> int:
    """Frames that a voice of so many samples gives: those whose sample is inside it."""
    return -(-sample_count * fps.numerator // (limits.SAMPLE_RATE * fps.denominator))


def plan_windows(
    sample_count: int,
    fps: Fraction,
    length: int,
    target_offset: int,
    delay_s: float = 0.0,
) -> WindowPlan:
    """Plan the windows of a closed voice of ``sample_count`` samples at 16 kHz.

    ``length`` and ``target_offset`` are the network's (8320 and 4160 samples). ``delay_s`` > 0
    makes the face follow later: each frame hears the voice from that many seconds before.
    Raises UserError for an impossible frame rate or too many frames.
    """
    fps = exact_fps(fps)
    count = count_frames(sample_count, fps)
    if count > limits.MAX_FRAMES:
        raise UserError(
            f"The voice would give {count} frames; at most {limits.MAX_FRAMES} are animated at "
            "once.",
            "Choose a shorter range or a lower frame rate.",
        )
    targets = frame_samples(count, fps)
    shift = target_offset + round(delay_s * limits.SAMPLE_RATE)
    return WindowPlan(targets - shift, targets, length, fps)


def gather(samples: Floats, plan: WindowPlan, first: int, last: int, gain: float = 1.0) -> Floats:
    """Windows (last - first, length) float32 of the frames first..last-1, times ``gain``.

    Silence stands where a window reaches beyond the voice.
    """
    starts = plan.starts[first:last]
    if not len(starts):
        return np.zeros((0, plan.length), np.float32)
    low, high = int(starts[0]), int(starts[-1]) + plan.length
    segment = np.zeros(high - low, np.float32)
    inside_low, inside_high = max(low, 0), min(high, len(samples))
    if inside_low < inside_high:
        segment[inside_low - low : inside_high - low] = samples[inside_low:inside_high]
    segment *= np.float32(gain)
    views = np.lib.stride_tricks.sliding_window_view(segment, plan.length)
    return np.ascontiguousarray(views[starts - low])

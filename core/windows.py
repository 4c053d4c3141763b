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
class WindowProgress:
    """Windows of a voice that may still be growing.

    Window i starts at ``floor(i * stride) + start``, speaks for the sample ``target`` after its
    start and holds ``size`` samples. All in samples; ``stride`` > 0 is exact.
    """

    size: int
    start: int
    target: int
    stride: Fraction

    def start_of(self, index: int) -> int:
        """First sample of a window; may be negative."""
        return index * self.stride.numerator // self.stride.denominator + self.start

    def target_of(self, index: int) -> int:
        """The sample that a window speaks for."""
        return self.start_of(index) + self.target

    def end_of(self, index: int) -> int:
        """The sample after a window's last one."""
        return self.start_of(index) + self.size

    def open_count(self, samples: int) -> int:
        """Windows that lie within the first ``samples`` of a voice that goes on."""
        return self._count(samples - self.size - self.start + 1)

    def closed_count(self, samples: int) -> int:
        """Windows of a voice that ends after ``samples``: those that speak for one of them."""
        return self._count(samples - self.target - self.start)

    def _count(self, limit: int) -> int:
        """Windows whose floor(i * stride) is below ``limit``."""
        return max(-(-limit * self.stride.denominator // self.stride.numerator), 0)


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
    if not limits.MIN_FPS <= rate <= limits.MAX_FPS:
        raise UserError(
            f"The frame rate {value} is wrong.",
            f"Give frames per second from {limits.MIN_FPS} to {limits.MAX_FPS}, "
            "such as 24, 23.976 or 60.",
        )
    return rate


def scene_fps(fps: int, fps_base: float) -> Fraction:
    """Exact rate of a scene: 24 / 1.001 is 24000/1001 although the base is stored inexactly.

    Raises UserError as ``exact_fps``.
    """
    if not math.isfinite(fps_base) or fps_base <= 0:
        raise UserError(f"A frame rate base of {fps_base} is not possible.", "Set it to 1.")
    base = Fraction(fps_base).limit_denominator(10_000) or Fraction(fps_base)
    return exact_fps(Fraction(fps) / base)


def frame_samples(count: int, fps: Fraction, first: int = 0) -> Integers:
    """Samples (count,) int64 of the frames from ``first`` on, at 16 kHz: floor(i * 16000 / fps).

    Frames before the voice, ``first`` < 0, are at negative samples.
    """
    frames = np.arange(first, first + count, dtype=np.int64)
    return frames * (limits.SAMPLE_RATE * fps.denominator) // np.int64(fps.numerator)


def count_frames(sample_count: int, fps: Fraction) -> int:
    """Frames that a voice of so many samples gives: those whose sample is inside it."""
    return -(-sample_count * fps.numerator // (limits.SAMPLE_RATE * fps.denominator))


def take_frames(sample_count: int, fps: Fraction) -> int:
    """As ``count_frames``. Raises UserError for more frames than a take may have."""
    count = count_frames(sample_count, fps)
    if count > limits.MAX_FRAMES:
        raise UserError(
            f"The voice would give {count} frames; at most {limits.MAX_FRAMES} are animated at "
            "once.",
            "Choose a shorter range or a lower frame rate.",
        )
    return count


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
    count = take_frames(sample_count, fps)
    return plan_frames(0, count, fps, length, target_offset, delay_s)


def plan_frames(
    first: int, count: int, fps: Fraction, length: int, target_offset: int, delay_s: float = 0.0
) -> WindowPlan:
    """The windows of ``count`` frames from ``first`` on, as they are in the plan of the voice."""
    targets = frame_samples(count, fps, first)
    shift = target_offset + round(delay_s * limits.SAMPLE_RATE)
    return WindowPlan(targets - shift, targets, length, fps)


def gather(samples: Floats, plan: WindowPlan, first: int, last: int, gain: float = 1.0) -> Floats:
    """Windows (last - first, length) float32 of the frames first..last-1, times ``gain``.

    Silence stands where a window reaches beyond the voice.
    """
    return windows_at(samples, plan.starts[first:last], plan.length, gain)


def windows_at(
    samples: Floats, starts: Integers, length: int, gain: float = 1.0, origin: int = 0
) -> Floats:
    """Windows (n, length) float32 that begin at ``starts`` (n,), which only grow, times ``gain``.

    ``samples`` holds the voice from its sample ``origin`` on; silence stands outside it.
    """
    if not len(starts):
        return np.zeros((0, length), np.float32)
    low = int(starts[0])
    part = segment(samples, low, int(starts[-1]) + length, gain, origin)
    views = np.lib.stride_tricks.sliding_window_view(part, length)
    return np.ascontiguousarray(views[starts - low])


def segment(samples: Floats, low: int, high: int, gain: float = 1.0, origin: int = 0) -> Floats:
    """Samples ``low`` .. ``high - 1`` of a voice, float32, times ``gain``; silence outside it.

    ``samples`` holds the voice from its sample ``origin`` on.
    """
    result = np.zeros(high - low, np.float32)
    inside_low, inside_high = max(low, origin), min(high, origin + len(samples))
    if inside_low < inside_high:
        result[inside_low - low : inside_high - low] = samples[
            inside_low - origin : inside_high - origin
        ]
    result *= np.float32(gain)
    return result

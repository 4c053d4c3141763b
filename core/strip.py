# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry of the waveform strip: where it lies, what is where, seconds to pixels and back.

Pixels are those of a region, origin bottom left; seconds are the voice's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .arrays import Floats

MARGIN, PADDING = 8.0, 8.0  # around the strip and inside of it, at a scale of 1
TITLE, WAVE, EMOTION, RULER = 18.0, 42.0, 22.0, 14.0  # heights of its rows
HEIGHT = TITLE + WAVE + EMOTION + RULER
LEAST_WIDTH = 220.0
MOST_SHARE = 0.4  # of a region's height; where it would be more, there is no strip
GRAB = 6.0  # how near the pointer has to be to an end of the range
LEAST_PEAK = 0.125  # a quieter voice is not drawn larger
LEAST_SPAN_S = 0.1  # shown at the strongest zoom
STEPS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)

Part = Literal["START", "END", "BODY", "NONE"]
Span = tuple[float, float]


@dataclass(frozen=True)
class Rect:
    """A box of pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def top(self) -> float:
        return self.y + self.height

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.x <= x < self.right and self.y <= y < self.top


@dataclass(frozen=True)
class Axis:
    """Time from left to right: ``first_s`` lies at ``left``, ``last_s`` at ``left + width``."""

    left: float
    width: float
    first_s: float
    last_s: float

    def x_of(self, seconds: float) -> float:
        """The pixel of a time, also of one beyond the ends."""
        return self.left + (seconds - self.first_s) / self._length * self.width

    def seconds_at(self, x: float) -> float:
        """The time of a pixel, also of one beyond the ends."""
        return self.first_s + (x - self.left) / self.width * self._length

    def clamped_x(self, seconds: float) -> float:
        """The pixel of a time, kept between the ends."""
        return min(max(self.x_of(seconds), self.left), self.left + self.width)

    def shows(self, seconds: float) -> bool:
        """Whether a time lies between the ends."""
        return self.first_s <= seconds <= self.last_s

    @property
    def _length(self) -> float:
        return max(self.last_s - self.first_s, 1e-6)


@dataclass(frozen=True)
class Strip:
    """The strip's box, its rows from top to bottom, and its time axis; ``scale`` of the pixels."""

    box: Rect
    title: Rect
    wave: Rect
    emotion: Rect
    ruler: Rect
    axis: Axis
    scale: float


def free_box(region: Rect, others: Iterable[Rect]) -> Rect:
    """What other regions leave of a region that lies below them, origin at its own corner.

    A region that is higher than wide covers a side, one that is wider than high the top or bottom.
    """
    left = bottom = 0.0
    right, top = region.width, region.height
    for other in others:
        x, y = other.x - region.x, other.y - region.y
        covers = x < region.width and y < region.height and x + other.width > 0
        if not covers or y + other.height <= 0 or min(other.width, other.height) <= 1:
            continue
        if other.height > other.width:
            if x + other.width / 2 < region.width / 2:
                left = max(left, x + other.width)
            else:
                right = min(right, x)
        elif y + other.height / 2 < region.height / 2:
            bottom = max(bottom, y + other.height)
        else:
            top = min(top, y)
    return Rect(left, bottom, max(0.0, right - left), max(0.0, top - bottom))


def strip_in(free: Rect, scale: float, span: Span) -> Strip | None:
    """The strip at the bottom of a free box; None where there is no room. ``span`` is the time
    that it shows, in seconds."""
    width, height = free.width - 2 * MARGIN * scale, HEIGHT * scale
    if width < LEAST_WIDTH * scale or height > MOST_SHARE * free.height:
        return None
    box = Rect(free.x + MARGIN * scale, free.y + MARGIN * scale, width, height)
    x, inner = box.x + PADDING * scale, box.width - 2 * PADDING * scale

    def row(height: float, below: float) -> Rect:
        return Rect(x, box.y + below * scale, inner, height * scale)

    return Strip(
        box=box,
        title=row(TITLE, RULER + EMOTION + WAVE),
        wave=row(WAVE, RULER + EMOTION),
        emotion=row(EMOTION, RULER),
        ruler=row(RULER, 0.0),
        axis=Axis(x, inner, *span),
        scale=scale,
    )


def part_at(strip: Strip, x: float, y: float, start_s: float, end_s: float) -> Part:
    """What of the strip lies below the pointer; the range's ends can be taken in the waveform."""
    if not strip.box.holds(x, y):
        return "NONE"
    if strip.wave.y <= y < strip.wave.top:
        to_start = abs(x - strip.axis.x_of(start_s))
        to_end = abs(x - strip.axis.x_of(end_s))
        if min(to_start, to_end) <= GRAB * strip.scale:
            return "START" if to_start <= to_end else "END"
    return "BODY"


def columns(envelope: Floats, count: int, first: float, last: float) -> Floats:
    """Lowest and highest values (count, 2) of the part ``first`` to ``last`` of an envelope.

    ``envelope`` (n, 2) covers 0 to 1. A column has at least one of the envelope's rows.
    """
    rows = len(envelope)
    edges = first * rows + np.arange(count) * ((last - first) * rows / count)
    starts = np.clip(edges.astype(np.int64), 0, rows - 1)
    used = envelope[: max(int(starts[-1]) + 1, min(rows, math.ceil(last * rows)))]
    low = np.minimum.reduceat(used[:, 0], starts)
    high = np.maximum.reduceat(used[:, 1], starts)
    return np.stack([low, high], axis=1).astype(np.float32)


def band(values: Floats, box: Rect, peak: float) -> Floats:
    """Points (2n, 2) of a triangle strip that fills ``values`` (n, 2) in a box, 0 at its middle.

    ``peak`` reaches the box's edge. Silence is one pixel high.
    """
    count = len(values)
    x = box.x + (np.arange(count) + 0.5) * (box.width / count)
    reach, middle = box.height / 2 / max(peak, LEAST_PEAK), box.y + box.height / 2
    points = np.empty((2 * count, 2), np.float32)
    points[0::2, 0] = points[1::2, 0] = x
    points[0::2, 1] = np.minimum(values[:, 0] * reach, -0.5) + middle
    points[1::2, 1] = np.maximum(values[:, 1] * reach, 0.5) + middle
    return points


def curve(values: Floats, box: Rect) -> Floats:
    """Points (n, 2) of a line through ``values`` (n,), 0 at the box's bottom and 1 at its top."""
    x = box.x + np.linspace(0.0, box.width, len(values))
    y = box.y + np.clip(values, 0.0, 1.0) * box.height
    return np.stack([x, y], axis=1).astype(np.float32)


def ticks(axis: Axis, room: float) -> list[tuple[float, str]]:
    """Times in seconds that the ruler names, at least ``room`` pixels apart, with their texts."""
    length = axis.last_s - axis.first_s
    needed = length * room / max(axis.width, 1.0)
    step = next((each for each in STEPS_S if each >= needed), STEPS_S[-1])
    first, last = math.ceil(axis.first_s / step - 1e-6), math.floor(axis.last_s / step + 1e-6)
    digits = 0 if step >= 1 else 1 if step >= 0.1 else 2
    return [(at * step, clock(at * step, digits)) for at in range(first, last + 1)]


def clock(seconds: float, digits: int = 2) -> str:
    """A time as minutes and seconds: 0:04.20."""
    whole = round(abs(seconds) * 10**digits)
    minutes, rest = divmod(whole, 60 * 10**digits)
    width = 2 + (digits + 1 if digits else 0)
    sign = "-" if seconds < 0 and whole else ""
    return f"{sign}{minutes}:{rest / 10**digits:0{width}.{digits}f}"


def zoomed(span: Span, duration_s: float, about_s: float, factor: float) -> Span:
    """The span after zooming about a time, which stays where it is; within 0 to ``duration_s``."""
    first, last = span
    length = max(last - first, 1e-6)
    new = min(max(length * factor, min(LEAST_SPAN_S, duration_s)), duration_s)
    begin = about_s - (about_s - first) / length * new
    begin = min(max(begin, 0.0), duration_s - new)
    return begin, begin + new

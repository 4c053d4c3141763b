# SPDX-License-Identifier: GPL-3.0-or-later
"""How pairs are looked at while they are picked: a mesh seen from a side, in a box of pixels.

Pixels are those of a region, origin bottom left. There is no perspective, so that a pixel is the
same length everywhere and a ray runs straight into the picture. numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import AnyArray, Doubles
from ..strip import Rect
from .rigid import turn_of

MARGIN = 0.86  # of a box that what is framed takes


@dataclass(frozen=True)
class View:
    """``turn`` has three rows: right, up and towards the viewer, in the mesh's space (world).
    ``centre`` (3,) lies in the middle of ``box``; ``pixels`` for each unit of length."""

    box: Rect
    centre: tuple[float, float, float]
    turn: tuple[tuple[float, float, float], ...]
    pixels: float

    @property
    def axes(self) -> Doubles:
        """``turn`` as an array (3, 3)."""
        return np.array(self.turn, np.float64)

    def seen(self, points: AnyArray) -> Doubles:
        """Points (..., 3) of space as x and y in pixels, and how near they are, in units."""
        found = (np.asarray(points, np.float64) - self.centre) @ self.axes.T
        found[..., :2] *= self.pixels
        found[..., 0] += self.box.x + self.box.width / 2
        found[..., 1] += self.box.y + self.box.height / 2
        return found

    def clip_matrix(self, reach: float) -> Doubles:
        """Matrix (4, 4) from space to OpenGL's clip space, with ``reach`` units before and behind
        the centre."""
        axes = self.axes
        rows = axes * [
            [2 * self.pixels / self.box.width],
            [2 * self.pixels / self.box.height],
            [-1 / reach],
        ]
        matrix = np.eye(4)
        matrix[:3, :3] = rows
        matrix[:3, 3] = -rows @ np.array(self.centre)
        return matrix

    def moved(self, x: float, y: float) -> View:
        """With the mesh shifted by pixels."""
        axes = self.axes
        centre = np.array(self.centre) - (x * axes[0] + y * axes[1]) / self.pixels
        return replace(self, centre=as_point(centre))

    def zoomed(self, factor: float, x: float, y: float) -> View:
        """Larger by a factor about a pixel, which keeps its place."""
        away_x = x - self.box.x - self.box.width / 2
        away_y = y - self.box.y - self.box.height / 2
        larger = replace(self, pixels=self.pixels * factor)
        return larger.moved(away_x * (1 - factor), away_y * (1 - factor))

    def framed(self, points: AnyArray, least: float) -> View:
        """With points (K, 3) in the middle, as large as they fit; ``least`` is the smallest length
        that fills the box."""
        points = np.asarray(points, np.float64)
        flat = points @ self.axes.T
        low, high = flat.min(axis=0), flat.max(axis=0)
        width, height = np.maximum(high - low, least)[:2]
        pixels = MARGIN * min(self.box.width / width, self.box.height / height)
        return replace(self, centre=as_point((low + high) / 2 @ self.axes), pixels=float(pixels))

    def placed(self, box: Rect) -> View:
        """The same look in another box, as large as it fits."""
        factor = min(box.width / self.box.width, box.height / self.box.height)
        return replace(self, box=box, pixels=self.pixels * factor)

    def looking(self, axes: AnyArray) -> View:
        """From another side: right, up and towards the viewer (3, 3), about the same centre."""
        return replace(self, turn=as_rows(axes))


def side(yaw: float, pitch: float) -> Doubles:
    """Axes (3, 3) of a look at something that faces -Y: 0, 0 is the front; yaw goes round to its
    left, pitch up."""
    front = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    lying, upright = turn_of([-pitch, 0.0, 0.0]), turn_of([0.0, 0.0, yaw])
    axes: Doubles = front @ lying.T @ upright.T
    return axes


def as_rows(axes: AnyArray) -> tuple[tuple[float, float, float], ...]:
    """Axes (3, 3) made orthogonal and put down as rows."""
    u, _, vt = np.linalg.svd(np.asarray(axes, np.float64))
    return tuple(as_point(row) for row in u @ vt)


def as_point(values: AnyArray) -> tuple[float, float, float]:
    """Three numbers as a tuple."""
    x, y, z = (float(value) for value in values)
    return x, y, z

# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding the few shapes that a diffusion model's motion is made of.

Such a network gives the motion of every vertex, 72,006 numbers per frame for the skin alone, but
its last layer is linear in a few hundred values, so all frames lie in a small space. A
``Compactor`` keeps an orthonormal basis of it and turns frames into coefficients. The basis grows
block by block, whenever a frame would be off by more than ``TOLERANCE`` anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import limits
from ..arrays import AnyArray, Doubles, Floats

TOLERANCE = 2e-5  # largest error of any number of any frame, in the model's unit
# New directions are found for less than that, so that the next block needs fewer.
_GROWN = TOLERANCE / 4
_CHUNK = 64  # rows of the basis held in one array: growing copies none of the others


class Compactor:
    """Coefficients of frames in a basis that grows with them.

    ``basis`` (rows, width) float32 has orthonormal rows and restores a compactor; rows are only
    ever added. The same blocks in the same order give the same bits, also when a compactor is
    restored between two of them. ``worst`` is the largest error of any frame so far: at most
    ``TOLERANCE``, unless ``limit`` rows were not enough.
    """

    def __init__(
        self, width: int, basis: Floats | None = None, limit: int = limits.MAX_BASIS_ROWS
    ) -> None:
        self.width = width
        self.worst = 0.0
        self._limit = min(limit, width)
        self._chunks: list[Floats] = []
        self._rows = 0
        if basis is not None:
            self._add(basis)

    @property
    def rows(self) -> int:
        """Directions known so far."""
        return self._rows

    @property
    def basis(self) -> Floats:
        """All directions, a new array (rows, width) float32."""
        return self.directions(0)

    def directions(self, first: int) -> Floats:
        """The directions from ``first`` on, a new array (rows - first, width) float32."""
        skipped = first // _CHUNK
        parts = list(self._filled())[skipped:]
        if parts:
            parts[0] = parts[0][first - skipped * _CHUNK :]
        return np.concatenate([np.zeros((0, self.width), np.float32), *parts])

    def push(self, frames: Floats) -> Floats:
        """Coefficients (n, rows) float32 of a block of frames (n, width) float32, finite.

        ``frames @ basis`` is within ``TOLERANCE`` of them at every number, which is checked here
        on every block. Coefficients of blocks before are still true: new directions were 0.
        """
        parts, rest = self._split(frames)
        error = _largest(rest)
        while error > TOLERANCE and self._rows < self._limit:
            directions = self._directions(rest)
            if not len(directions):
                break  # what is left is rounding of numbers too large for the tolerance
            self._add(directions)
            coefficients = rest @ directions.T
            rest -= coefficients @ directions
            parts.append(coefficients)
            error = _largest(rest)
        self.worst = max(self.worst, error)
        return np.concatenate(parts, axis=1)

    def _split(self, frames: Floats) -> tuple[list[Floats], Floats]:
        """Coefficients in the known directions, and what they leave over."""
        parts = [np.zeros((len(frames), 0), np.float32)]
        rest = frames.copy()
        for chunk in self._filled():
            coefficients = rest @ chunk.T
            rest -= coefficients @ chunk
            parts.append(coefficients)
        return parts, rest

    def _directions(self, rest: Floats) -> Floats:
        """The fewest new directions (k, width) that bring ``rest`` below the tolerance."""
        exact = rest.astype(np.float64)
        values, vectors = np.linalg.eigh(exact @ exact.T)
        most = min(len(values), self._limit - self._rows)
        order = np.argsort(values)[::-1][:most]
        order = order[values[order] > values[order[0]] * 1e-13]
        scaled: Doubles = vectors[:, order].T / np.sqrt(values[order])[:, None]
        candidates = self._orthonormal((scaled @ exact).astype(np.float32))
        amounts = rest @ candidates.T
        low, high = min(1, len(candidates)), len(candidates)
        while low < high:
            middle = (low + high) // 2
            left = _largest(rest - amounts[:, :middle] @ candidates[:middle])
            low, high = (low, middle) if left <= _GROWN else (middle + 1, high)
        return candidates[:low]

    def _orthonormal(self, rows: Floats) -> Floats:
        """Rows made exactly perpendicular to the basis and to each other, and of length 1."""
        for chunk in self._filled():
            rows -= (rows @ chunk.T) @ chunk
        exact = rows.astype(np.float64)
        # A row that mostly repeated the basis was rounding.
        exact = exact[np.einsum("kw,kw->k", exact, exact) > 0.25]
        factor = np.linalg.cholesky(exact @ exact.T)
        return np.linalg.solve(factor, exact).astype(np.float32)

    def _filled(self) -> Iterator[Floats]:
        for index, chunk in enumerate(self._chunks):
            yield chunk[: self._rows - index * _CHUNK]

    def _add(self, directions: AnyArray) -> None:
        for row in directions:
            if self._rows == len(self._chunks) * _CHUNK:
                self._chunks.append(np.empty((_CHUNK, self.width), np.float32))
            self._chunks[-1][self._rows % _CHUNK] = row
            self._rows += 1


def _largest(values: AnyArray) -> float:
    return float(max(values.max(), -values.min())) if values.size else 0.0

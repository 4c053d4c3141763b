# SPDX-License-Identifier: GPL-3.0-or-later
"""Which loose parts of a mesh go as one with their root."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget.tufts import roots_of


def _strand(start: float, rise: float, count: int = 8) -> np.ndarray:
    """A strip of pairs of vertices that narrows to its tip."""
    along = np.linspace(0, 1, count)
    width = np.stack([-0.02 * (1 - 0.8 * along), 0.02 * (1 - 0.8 * along)], axis=1)
    points = np.zeros((count, 2, 3))
    points[..., 0] = start + width
    points[..., 1] = along[:, None]
    points[..., 2] = 0.01 + rise * along[:, None]
    return points.reshape(-1, 3)


def _edges(count: int, first: int) -> np.ndarray:
    steps = np.arange(count) * 2
    on = steps[:-1]
    around = [steps, steps + 1], [on, on + 2], [on + 1, on + 3]
    return first + np.concatenate([np.stack(pair, axis=1) for pair in around])


@pytest.mark.parametrize("shuffled", [False, True])
def test_what_stands_off_goes_with_its_root_and_what_lies_bends(shuffled):
    """The driver is the plane z = 0; distances are heights."""
    lash, brow = _strand(0.0, 0.6), _strand(1.0, 0.0)
    points = np.concatenate([lash, brow])
    edges = np.concatenate([_edges(8, 0), _edges(8, 16)])
    order = np.random.default_rng(1).permutation(32) if shuffled else np.arange(32)
    place = np.argsort(order)
    roots = roots_of(points[order], place[edges], points[order, 2], 40.0)
    lash_roots = {order[root] for root, own in zip(roots, order, strict=True) if own < 16}
    assert len(lash_roots) == 1 and lash_roots <= {0, 1}
    flat = order >= 16
    np.testing.assert_array_equal(roots[flat], np.flatnonzero(flat))


def test_large_parts_are_left_to_themselves():
    points, edges = _strand(0.0, 0.6), _edges(8, 0)
    np.testing.assert_array_equal(roots_of(points, edges, points[:, 2], 2.0), np.arange(16))


def test_nothing_has_no_roots():
    none = np.zeros((0, 3))
    assert len(roots_of(none, np.zeros((0, 2), int), none[:, 0], 1.0)) == 0

# SPDX-License-Identifier: GPL-3.0-or-later
"""Lids: the blink ends where upper and lower lid meet, instead of running over the lower lid."""

from __future__ import annotations

import numpy as np

from .skin import Skin
from .topology import Floats, Ints, Limit, edge_loop

# Loops of the left lids, counted from the middle of the upper lid towards the temple.
FRONT_EDGE = (6785, 6784)
MARGIN = (13352, 13353)
OUTER_CORNER, LOWER_MIDDLE, INNER_CORNER = 7, 15, 22
# How far the closed upper lid reaches below the lower lid's edge.
OVERLAP_CM = 0.06


def loop(skin: Skin, start: tuple[int, int]) -> Ints:
    """A loop of 28 skin vertices around the left eye's opening."""
    return edge_loop(skin.quads, *skin.local(np.array(start)))


def opening(skin: Skin, limit: Limit, points: Floats, at: Floats) -> Floats:
    """Height in cm between the left lids' edges at the given x."""
    edge = limit(points)[loop(skin, MARGIN)]
    upper = edge[np.r_[INNER_CORNER : len(edge), 0 : OUTER_CORNER + 1]]
    lower = edge[INNER_CORNER : OUTER_CORNER - 1 : -1]
    heights = [np.interp(at, np.maximum.accumulate(lid[:, 0]), lid[:, 1]) for lid in (upper, lower)]
    return heights[0] - heights[1]


def fit_blink(moves: Floats, skin: Skin, limit: Limit) -> Floats:
    """Scale eyeBlinkLeft along the lid so that it closes the eye and no more."""
    corners = skin.points[loop(skin, MARGIN)][[INNER_CORNER, OUTER_CORNER], 0]
    at = np.linspace(float(corners[0]), float(corners[1]), 15)[2:-2]
    rest = opening(skin, limit, skin.points, at)
    closed = opening(skin, limit, skin.points + moves, at)
    factor = np.clip((rest + OVERLAP_CM) / (rest - closed), 0.6, 1.2)
    factor = np.convolve(np.pad(factor, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    return moves * np.interp(skin.points[:, 0], at, factor)[:, None]

# SPDX-License-Identifier: GPL-3.0-or-later
"""WARP: the driver, bent by a smooth warp of space that is known everywhere."""

from __future__ import annotations

from functools import cache

import numpy as np
from facewright.core.retarget.mesh import Mesh
from numpy.typing import NDArray

from .makehuman import driver
from .truth import Truth, with_shuffled_target

Doubles = NDArray[np.float64]

SCALE = 2.2
TURNED_DEG = (15.0, 8.0)  # about the vertical, then about the axis from ear to ear
WIDER_JAW, LARGER_EYES = 0.25, 0.30
_JAW_HEIGHT, _JAW_REACH = -4.5, 4.0
_EYE, _EYE_REACH = np.array([3.1, 3.8, 9.3]), 2.2


def bent(points: Doubles) -> Doubles:
    """Where the warp takes points (..., 3) in cm of the driver's space."""
    out = np.array(points, np.float64)
    lower = np.exp(-(((out[..., 1] - _JAW_HEIGHT) / _JAW_REACH) ** 2))
    out[..., 0] *= 1 + WIDER_JAW * lower
    grown = out.copy()
    for side in (1.0, -1.0):
        away = out - _EYE * [side, 1, 1]
        near = np.exp(-((away**2).sum(axis=-1) / _EYE_REACH**2))
        grown += LARGER_EYES * near[..., None] * away
    return SCALE * grown @ _turn().T + np.array([7.0, -31.0, 12.0])


def _turn() -> Doubles:
    about_y, about_x = np.radians(TURNED_DEG)
    c, s = np.cos(about_y), np.sin(about_y)
    d, t = np.cos(about_x), np.sin(about_x)
    return np.array([[1, 0, 0], [0, d, -t], [0, t, d]]) @ np.array(
        [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    )


@cache
def warp(seed: int = 5) -> Truth:
    """The whole head bent; the true movement of a shape is the bent face less the bent rest."""
    own = driver()
    goal = bent(own.mesh.points)
    wanted = np.stack([bent(own.mesh.points + shape) - goal for shape in own.shapes])
    everywhere = np.ones(len(goal), bool)
    truth = Truth(
        "warp",
        own,
        Mesh.of(goal, own.mesh.triangles),
        goal,
        everywhere,
        wanted,
        everywhere,
        SCALE,
        own.regions(),
        own.regions(),
    )
    return with_shuffled_target(truth, seed)

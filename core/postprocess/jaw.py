# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower denture: the rigid motion that best follows the network's markers."""

from __future__ import annotations

import numpy as np

from ..arrays import Doubles, Floats
from ..parameters import Settings


def jaw_points(neutral: Floats, deltas: Floats, settings: Settings) -> Doubles:
    """Markers (T, J, 3) float64: rest + motion * strength, then height (Y) and depth (Z)."""
    offset = (0.0, settings.lower_teeth_height_offset, settings.lower_teeth_depth_offset)
    moved = deltas.astype(np.float64) * settings.lower_teeth_strength
    return neutral.astype(np.float64) + moved + np.array(offset)


def fit_rigid(neutral: Floats | Doubles, points: Doubles) -> Doubles:
    """Best rigid motions (T, 4, 4) float64 that lead ``neutral`` (J, 3) to ``points`` (T, J, 3).

    Least squares without scale (Kabsch, never a reflection): ``p' = R p + t``. Markers on one line
    or in one point leave the turn undefined; then it is left out and only the shift is given.
    """
    rest = neutral.astype(np.float64)
    rest_centre = rest.mean(axis=0)
    centres = points.mean(axis=1)
    result = np.zeros((len(points), 4, 4))
    result[:] = np.eye(4)
    spread = np.linalg.svd(rest - rest_centre, compute_uv=False)
    if spread[1] > 1e-9 * max(spread[0], 1e-30):
        cross = np.einsum("jx,tjy->txy", rest - rest_centre, points - centres[:, None])
        u, _, vt = np.linalg.svd(cross)
        flip = np.ones((len(points), 3))
        flip[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
        result[:, :3, :3] = np.einsum("tkx,tk,tyk->txy", vt, flip, u)
    turned = np.einsum("txy,y->tx", result[:, :3, :3], rest_centre)
    result[:, :3, 3] = centres - turned
    return result


def jaw_motion(neutral: Floats, deltas: Floats, settings: Settings) -> Floats:
    """Rigid motion (T, 4, 4) float32 of the lower denture, row-major, in the model's space."""
    return fit_rigid(neutral, jaw_points(neutral, deltas, settings)).astype(np.float32)

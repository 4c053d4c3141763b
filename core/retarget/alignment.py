# SPDX-License-Identifier: GPL-3.0-or-later
"""The first guess: how far the target's mouth is open, and a warp that obeys the pairs."""

from __future__ import annotations

import numpy as np

from ..arrays import AnyArray, Doubles
from .pairs import residuals, similarity

RIDGE = 1e-2  # how much of a pair the warp may leave to the surface, for the noise of picking
OPENINGS = np.linspace(0.0, 1.0, 101)
_CLOSED = 0.18  # an opening below this may be a slip of the pointer, and counts as none
_CLEAR = 0.9  # of the closed mouth's residual: an open one must fit this much better
_BLOCK = 4096


def opening(closed: Doubles, opened: Doubles, target: Doubles) -> float:
    """How far the target's mouth is open, 0..1, from picked points (K, 3) each.

    ``closed`` and ``opened`` are the driver's points on its neutral and its OpenMouth mesh. Where
    pairs lie on both sides of what opens (inner lips), the gaps between them decide; else the
    blend that a similarity brings nearest to the target.
    """
    moves = opened - closed
    gaps = _gaps(closed, opened)
    mismatch = []
    for share in OPENINGS:
        points = closed + share * moves
        if len(gaps):
            scale = similarity(points, target).scale
            here, there = (_lengths(each, gaps) for each in (points, target))
            mismatch.append(float(((scale * here - there) ** 2).sum()))
        else:
            mismatch.append(float((residuals(points, target) ** 2).sum()))
    best = int(np.argmin(mismatch))
    if OPENINGS[best] < _CLOSED or (not len(gaps) and mismatch[best] > _CLEAR * mismatch[0]):
        return 0.0
    return float(OPENINGS[best])


def _gaps(closed: Doubles, opened: Doubles) -> AnyArray:
    """Pairs of points (G, 2) that the open mouth parts."""
    one, other = np.triu_indices(len(closed), 1)
    both = np.stack([one, other], axis=1)
    near, far = _lengths(closed, both), _lengths(opened, both)
    extent = np.linalg.norm(closed - closed.mean(axis=0), axis=1).mean()
    return both[(near < 0.3 * far) & (far > 0.1 * extent)]


def _lengths(points: Doubles, both: AnyArray) -> Doubles:
    return np.asarray(np.linalg.norm(points[both[:, 0]] - points[both[:, 1]], axis=1))


def warped(source: Doubles, goal: Doubles, points: Doubles) -> Doubles:
    """Points (N, 3) carried by the smoothest warp that brings ``source`` (K, 3) to ``goal``.

    Kernel |r| (the biharmonic one of three dimensions) and an affine part, with a ridge.
    """
    unit_length = max(float(np.linalg.norm(source - source.mean(axis=0), axis=1).mean()), 1e-300)
    centres = source / unit_length
    count = len(centres)
    kernel = RIDGE * np.eye(count) - np.linalg.norm(centres[:, None] - centres[None], axis=2)
    flat = np.hstack([np.ones((count, 1)), centres])
    system = np.block([[kernel, flat], [flat.T, np.zeros((4, 4))]])
    wanted = np.vstack([goal - source, np.zeros((4, 3))])
    factors = np.linalg.lstsq(system, wanted, rcond=None)[0]
    out = np.empty_like(points)
    for start in range(0, len(points), _BLOCK):
        part = points[start : start + _BLOCK]
        at = part / unit_length
        far = np.linalg.norm(at[:, None] - centres[None], axis=2)
        out[start : start + _BLOCK] = (
            part - far @ factors[:count] + factors[count] + at @ factors[count + 1 :]
        )
    return out

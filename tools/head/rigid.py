# SPDX-License-Identifier: GPL-3.0-or-later
"""The rigid motions hidden in the source: the lower denture's and the eyeballs'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .basemesh import BaseMesh
from .names import JAW
from .topology import Floats


@dataclass(frozen=True)
class RigidMove:
    """p -> R(rotation) (p - pivot) + pivot + shift; rotation is axis times angle in radians."""

    rotation: Floats
    shift: Floats
    pivot: Floats

    def apply(self, points: Floats, amount: float = 1.0) -> Floats:
        """Move points (N, 3); rotation and shift both grow linearly with the amount."""
        matrix = rotation_matrix(amount * self.rotation)
        return (points - self.pivot) @ matrix.T + self.pivot + amount * self.shift


def rotation_matrix(vector: Floats) -> Floats:
    """Rodrigues: the matrix (3, 3) that turns about `vector` by its length in radians."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def rotation_vector(matrix: Floats) -> Floats:
    """The inverse of `rotation_matrix` for angles below 180 degrees."""
    skew = np.array(
        [matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]]
    )
    sine = float(np.linalg.norm(skew)) / 2
    angle = float(np.arctan2(sine, (np.trace(matrix) - 1) / 2))
    return np.zeros(3) if sine < 1e-9 else skew / (2 * sine) * angle


def fit(before: Floats, after: Floats, pivot: Floats) -> RigidMove:
    """Least-squares rigid motion between two point sets (N, 3), written about `pivot`."""
    mean_before, mean_after = before.mean(axis=0), after.mean(axis=0)
    u, _, vt = np.linalg.svd((before - mean_before).T @ (after - mean_after))
    sign = np.sign(np.linalg.det(vt.T @ u.T))
    matrix = vt.T @ np.diag([1.0, 1.0, sign]) @ u.T
    shift = matrix @ (pivot - mean_before) + mean_after - pivot
    return RigidMove(rotation_vector(matrix), shift, pivot)


def jaw_moves(base: BaseMesh, pivot: Floats) -> dict[str, RigidMove]:
    """The lower denture's motion per jaw shape: opening about x, the others pure shifts."""
    teeth = base.groups["helper-lower-teeth"]
    rest = base.points[teeth]
    found = {name: fit(rest, rest + base.shapes[name][teeth], pivot) for name in JAW}
    opening, forward = found["jawOpen"], found["jawForward"]
    sideways = (found["jawLeft"].shift - found["jawRight"].shift * [1, -1, -1]) / 2
    zero = np.zeros(3)
    middle = np.array([0.0, 1.0, 1.0])
    return {
        "jawOpen": RigidMove(opening.rotation * [1, 0, 0], opening.shift * middle, pivot),
        "jawForward": RigidMove(zero, forward.shift * middle, pivot),
        "jawLeft": RigidMove(zero, sideways, pivot),
        "jawRight": RigidMove(zero, sideways * [-1, 1, 1], pivot),
    }

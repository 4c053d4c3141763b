# SPDX-License-Identifier: GPL-3.0-or-later
"""The points of a face by which one head is laid over another: names, and places on our own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray
from ..head import Head
from .mesh import Mesh, fans
from .pairs import SurfacePoints

MIDDLE = (
    *("Chin", "Nose tip", "Nose base", "Nose root"),
    *("Upper lip", "Lower lip", "Inner upper lip", "Inner lower lip", "Crown"),
)
SIDED = (
    *("mouth corner", "inner eye corner", "outer eye corner"),
    *("inner upper lid", "outer upper lid", "inner lower lid", "outer lower lid"),
    *("brow", "nose wing", "jaw side", "jaw angle"),
)
# The order in which a list shows them: `landmark/correspondences` of the head's file has it too.
NAMES = (*MIDDLE, *(f"{side} {name}" for name in SIDED for side in ("Left", "Right")))
# Of these, the twelve without which no head can be fitted, and twenty which do well.
TWELVE = (
    *("Chin", "Nose tip", "Nose root", "Upper lip", "Inner upper lip", "Inner lower lip"),
    *(f"{side} {name}" for name in SIDED[:3] for side in ("Left", "Right")),
)
TWENTY = (
    *TWELVE,
    *("Nose base", "Lower lip"),
    *("Left outer upper lid", "Right outer upper lid"),
    *("Left outer lower lid", "Right outer lower lid", "Left jaw side", "Right jaw side"),
)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Named points on a mesh."""

    names: tuple[str, ...]
    points: SurfacePoints

    @property
    def mirror(self) -> AnyArray:
        """For each point the number (K,) of its mirror image, itself on the mid plane."""
        return np.array([self.names.index(mirrored(name)) for name in self.names])

    def chosen(self, names: tuple[str, ...]) -> Landmarks:
        """Some of them, in the order of `names`; ValueError for an unknown one."""
        numbers = [self.names.index(name) for name in names]
        points = SurfacePoints(self.points.corners[numbers], self.points.shares[numbers])
        return Landmarks(names, points)


def mirrored(name: str) -> str:
    """The name on the other side; a point of the mid plane is its own mirror image."""
    for here, there in (("Left ", "Right "), ("Right ", "Left ")):
        if name.startswith(here):
            return there + name.removeprefix(here)
    return name


def of_head(head: Head) -> Landmarks:
    """The 31 points on the skin of the built-in head, exactly symmetric."""
    return Landmarks(NAMES, SurfacePoints.at_vertices(head.landmarks["correspondences"]))


def skin_mesh(head: Head) -> Mesh:
    """The skin of the built-in head in triangles, in cm."""
    return Mesh.of(head.skin.vertices, fans(head.skin.faces))

# SPDX-License-Identifier: GPL-3.0-or-later
"""A transfer with its right result, the picking of pairs on it, and measures of what came out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from facewright.core.retarget.mesh import Mesh, unit
from facewright.core.retarget.pairs import SurfacePoints
from facewright.tools.head import topology
from numpy.typing import NDArray

from .makehuman import HEIGHT_CM, POINT_SETS, SHAPES, Driver

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

GLUED = 0.35  # of the largest true movement, by which a lip vertex may be wrong at jawOpen


@dataclass(frozen=True, eq=False)
class Truth:
    """One driver, one target, and what is right.

    ``goal`` (V, 3) is where the driver's vertices belong on the target, valid where ``mapped``.
    ``wanted`` (E, N, 3) is how the target's vertices move, valid where ``known``, for the shapes
    of ``makehuman.SHAPES``. ``size`` is the target's unit: how long 1 cm of the driver is on it.
    ``driver_regions`` and ``regions`` are masks of face, lips and lids on driver and target.
    """

    name: str
    driver: Driver
    target: Mesh
    goal: Doubles
    mapped: Mask
    wanted: Doubles
    known: Mask
    size: float
    driver_regions: dict[str, Mask]
    regions: dict[str, Mask]

    def pairs(
        self, count: int, noise_mm: float = 0.0, seed: int = 1
    ) -> tuple[SurfacePoints, SurfacePoints]:
        """12, 20 or 31 pairs on driver and target; see ``picked`` for the noise."""
        vertices = np.array([self.driver.landmarks[name] for name in POINT_SETS[count]])
        there = self.goal[vertices]
        normals = Mesh.of(self.goal, self.driver.mesh.triangles).normals[vertices]
        noise = np.random.default_rng(seed).normal(size=there.shape) * (noise_mm / 10 * self.size)
        return SurfacePoints.at_vertices(vertices), picked(self.target, there + noise, normals)

    def fit_errors(self, fitted: Doubles) -> dict[str, float]:
        """Mean distance of the driver's vertices to their goals in percent of the head's height."""
        errors = np.linalg.norm(fitted - self.goal, axis=1) * (100 / (HEIGHT_CM * self.size))
        return {
            name: float(errors[mask & self.mapped].mean())
            for name, mask in self.driver_regions.items()
        }

    def transfer_errors(self, moved: Doubles) -> dict[str, float]:
        """relRMS in percent by region, for displacements (E, N, 3) of the target."""
        off = moved - self.wanted
        errors = {}
        for name, region in self.regions.items():
            mask = region & self.known
            errors[name] = 100 * float(
                np.sqrt((off[:, mask] ** 2).sum() / (self.wanted[:, mask] ** 2).sum())
            )
        return errors

    def glued(self, moved: Doubles) -> int:
        """How many lip vertices hang on the wrong lip at jawOpen, of displacements (E, N, 3)."""
        at = SHAPES.index("jawOpen")
        off = np.linalg.norm(moved[at] - self.wanted[at], axis=1)
        bar = GLUED * np.linalg.norm(self.wanted[at], axis=1).max()
        return int(((off > bar) & self.regions["lips"] & self.known).sum())

    def blink_ratio(self, points: Doubles, moves: Doubles) -> float:
        """How much of the lids' gap is left at eyeBlink, of the driver's mesh at ``points``
        (V, 3) with displacements (E, V, 3)."""
        both = moves[SHAPES.index("eyeBlinkLeft")] + moves[SHAPES.index("eyeBlinkRight")]
        return self._lid_gap(points + both) / self._lid_gap(points)

    def _lid_gap(self, points: Doubles) -> float:
        at = self.driver.landmarks
        sides = [(part, side) for part in ("inner", "outer") for side in ("left", "right")]
        ends = [[f"{lid}_lid_{part}_{side}" for part, side in sides] for lid in ("upper", "lower")]
        upper, lower = (points[[at[name] for name in names]] for names in ends)
        return float(np.linalg.norm(upper - lower, axis=1).mean())

    def lip_ratio(self, points: Doubles, moves: Doubles) -> float:
        """The lips' gap at jawOpen + mouthClose over that at rest, likewise."""
        open_and_closed = moves[SHAPES.index("jawOpen")] + moves[SHAPES.index("mouthClose")]
        return self._lip_gap(points + open_and_closed) / self._lip_gap(points)

    def _lip_gap(self, points: Doubles) -> float:
        """Mean distance of the upper lip's inner middle to the nearest of the lower lip."""
        own = self.driver
        fall = np.linalg.norm(own.shapes[SHAPES.index("jawOpen")], axis=1)
        middle = own.mesh.points[own.landmarks["upper_lip_inner"]]
        near = np.linalg.norm(own.mesh.points - middle, axis=1) < 1.0
        upper, lower = (
            points[near & (fall < 0.2 * fall.max())],
            points[near & (fall > 0.6 * fall.max())],
        )
        return float(np.linalg.norm(upper[:, None] - lower[None], axis=2).min(axis=1).mean())


def picked(target: Mesh, points: Doubles, normals: Doubles) -> SurfacePoints:
    """Points (K, 3) brought to the target's surface, as a pick in the viewport is.

    Only triangles within 60 degrees of the normals (K, 3) are taken, since a user sees whether he
    picks the upper or the lower lip. Noise across the surface is lost in this, along it stays.
    """
    facing = unit(target.crossed)
    corners, shares = [], []
    for point, normal in zip(points, normals, strict=True):
        able = np.flatnonzero(facing @ normal > 0.5)
        spots = target.points[target.triangles[able]]
        local = topology.closest_barycentric(point, spots)
        far = np.linalg.norm(np.einsum("nc,ncd->nd", local, spots) - point, axis=1)
        best = int(far.argmin())
        corners.append(target.triangles[able[best]])
        shares.append(local[best])
    return SurfacePoints.of(np.array(corners), np.array(shares))


def shuffled(mesh: Mesh, seed: int) -> tuple[Mesh, NDArray[np.int64]]:
    """The same surface with other numbers: vertices, triangles and first corners in any order.

    Also the old number (V,) of each new vertex.
    """
    dice = np.random.default_rng(seed)
    old = dice.permutation(len(mesh.points))
    new = np.argsort(old)
    triangles = new[dice.permutation(mesh.triangles)]
    first = dice.integers(0, 3, len(triangles))
    triangles = np.take_along_axis(triangles, (first[:, None] + np.arange(3)) % 3, axis=1)
    return Mesh.of(mesh.points[old], triangles), old


def with_shuffled_target(truth: Truth, seed: int) -> Truth:
    """The same truth on a target of other numbers."""
    target, old = shuffled(truth.target, seed)
    return replace(
        truth,
        target=target,
        wanted=truth.wanted[:, old],
        known=truth.known[old],
        regions={name: mask[old] for name, mask in truth.regions.items()},
    )


def dense(mesh: Mesh, vertices: int, values: Doubles) -> tuple[Mesh, Doubles]:
    """The same surface with exactly so many vertices (at least its own), and values of them.

    ``values`` (V, C) are those of the mesh's vertices. Edges are halved as long as there is room
    for it; then the largest triangles get a middle.
    """
    while len(mesh.points) + len(mesh.edges) <= vertices:
        mesh, values = _halved(mesh, values)
    while count := vertices - len(mesh.points):
        largest = np.argsort(-np.linalg.norm(mesh.crossed, axis=1), kind="stable")[:count]
        corners = mesh.triangles[largest]
        middle = len(mesh.points) + np.arange(len(largest))
        fans = [np.stack([corners[:, i], corners[:, (i + 1) % 3], middle], 1) for i in range(3)]
        points = np.vstack([mesh.points, mesh.points[corners].mean(axis=1)])
        values = np.vstack([values, values[corners].mean(axis=1)])
        mesh = Mesh.of(points, np.vstack([np.delete(mesh.triangles, largest, axis=0), *fans]))
    return mesh, values


def _halved(mesh: Mesh, values: Doubles) -> tuple[Mesh, Doubles]:
    edges, count = mesh.edges, len(mesh.points)
    sides = np.sort(mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2).astype(np.int64)
    keys = edges[:, 0].astype(np.int64) * count + edges[:, 1]
    ab, bc, ca = (np.searchsorted(keys, sides[..., 0] * count + sides[..., 1]) + count).T
    a, b, c = mesh.triangles.T
    parts = [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
    points = np.vstack([mesh.points, mesh.points[edges].mean(axis=1)])
    triangles = np.concatenate([np.stack(part, axis=1) for part in parts])
    return Mesh.of(points, triangles), np.vstack([values, values[edges].mean(axis=1)])

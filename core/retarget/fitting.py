# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh fitting: the driver's mesh laid onto the target's surface, led by pairs of points.

Similarity, then a smooth warp of space through the pairs, then rounds of closest points: unknown
is the displacement from the warped mesh, and least is the sum of the squared distances to the
closest points, the bending of the displacement (its bilaplacian) and the distances of the pairs.
A closest point is one of position and normal together, so that lips, lids and wings of the nose
find their like along the surface too; what normals count for falls from level to level. Pairs
count less in the later levels, because the surface knows better than the hand that picked them.
On faces that are their own mirror image each pair counts on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
from ..watch import Watch
from .alignment import opening, warped
from .extent import face_size
from .fitting_checks import check_mesh, check_opened, check_pairs, suspicious
from .ground import Side, inside_out, volume
from .laplacian import Solve, Sparse, factorised, laplacian, lumped_areas, solved_near
from .mesh import Mesh
from .mirroring import both_sides
from .pairs import Similarity, SurfacePoints, residuals, similarity
from .surface import Surface

ROUNDS = 4  # of closest points at each level
NEAR = 10  # triangles looked at for each
DECAY = 1e-3  # of the stiffness, from the first level to the last
PAIRS = (1.0, 0.1)  # what all pairs together weigh beside the whole surface, first to last level
NORMALS = (0.04, 0.004)  # of a head's diagonal, that normals apart by 1 radian count as, likewise
HEAD = 1.85  # diagonals of what the opening mouth moves, in the diagonal of a head with neck
REACH = 0.06  # of a head's diagonal: no closest point is taken beyond
BENDING = 1e-4  # makes a stiffness of 100 a stiff start and one of 0.1 a close end
_HOLD = 1e-9  # keeps what nothing holds where the warp put it


@dataclass(frozen=True)
class FitSettings:
    """``iterations`` (1 or more) levels, from ``stiffness`` (above 0) down to a thousandth of it;
    more levels are closer and slower, more stiffness keeps the driver's contour."""

    iterations: int = 3
    stiffness: float = 100.0


@dataclass(frozen=True, eq=False)
class Fit:
    """The driver laid onto the target.

    ``points`` (V, 3) are the driver's vertices there. ``opening`` 0..1 is how far the target's
    mouth was found open: ``points`` belong to the driver's neutral plus that much of its OpenMouth
    mesh. ``residuals`` (K,) is how far each pair is off after ``similarity``, in the target's unit.
    ``inward`` (F,) marks the target's triangles that are wound inside out. ``notices`` are
    sentences for the user.
    """

    points: Doubles
    opening: float
    similarity: Similarity
    residuals: Doubles
    inward: AnyArray
    notices: tuple[str, ...]


def fit(
    driver: Mesh,
    opened: Doubles,
    target: Mesh,
    here: SurfacePoints,
    there: SurfacePoints,
    settings: FitSettings | None = None,
    watch: Watch | None = None,
    names: Sequence[str] = (),
) -> Fit:
    """Lay the driver onto the target; ``here`` and ``there`` are the pairs (K) on the two, which
    sentences call by their ``names``.

    ``opened`` (V, 3) are the points of the OpenMouth mesh. Raises UserError, which says what to
    change, for meshes and pairs of which nothing can be made.
    """
    settings, watch = settings or FitSettings(), watch or Watch()
    watch.tell(0.0, "Looking at the meshes")
    check_mesh(driver, "driver")
    check_opened(driver, opened)
    check_mesh(target, "target")
    size = head_size(driver, opened)
    check_pairs(driver, here, target, there, size)
    goal = there.on(target.points)
    amount = opening(here.on(driver.points), here.on(opened), goal)
    rest = driver.moved_to(driver.points + amount * (opened - driver.points))
    source = here.on(rest.points)
    notices = suspicious(source, goal, names)
    move = similarity(source, goal)
    placed = move(rest.points)

    own, other = Side.of(rest, here, opened), Side.of(target, there)
    if volume(own.mesh) < 0:
        own = own.wound(np.ones(len(own.parts), bool))
    near = own.mesh.moved_to(warped(move(source), goal, placed))
    inward = inside_out(other, near, move.scale * size)
    other = other.wound(inward)
    watch.tell(0.05, "Looking for planes of symmetry")
    here, there = both_sides(own.surface(), other.surface(), (here, there), move)
    goal_all = there.on(target.points)
    start = warped(here.on(placed), goal_all, placed)
    problem = _Problem.of(own, start, here, goal_all, move.scale * size)
    points = _laid(problem, other, settings, watch)[own.stands]
    notices += _told_open(amount) + _told_inward(inward, other)
    return Fit(points, amount, move, residuals(source, goal), inward, notices)


def head_size(driver: Mesh, opened: Doubles) -> float:
    """Diagonal of a head: of the driver, or what its opening mouth says if a body hangs below."""
    jaw = face_size(driver.points, (opened - driver.points)[None])
    return min(driver.diagonal, HEAD * jaw)


def _told_open(amount: float) -> tuple[str, ...]:
    if amount == 0:
        return ()
    return (
        "The target's mouth is modelled open, so its lips will not meet in b, m and p. Close it in "
        "the mesh, or move the pairs of the inner lips to where these touch, then fit again.",
    )


def _told_inward(inward: AnyArray, target: Side) -> tuple[str, ...]:
    share = inward[target.used].mean()
    if share == 0:
        return ()
    where = "The target's faces" if share == 1 else f"{share:.0%} of the target's faces"
    return (f"{where} point inwards and were read the other way round.",)


@dataclass(frozen=True, eq=False)
class _Problem:
    """What stays the same in all rounds.

    ``start`` (V, 3) are the warped points, ``free`` (V,) the vertices that look for closest
    points, ``picks`` (K, V) takes vertices to the pairs' points, which belong at ``goals`` (K, 3);
    ``size`` is a head's diagonal.
    """

    mesh: Mesh
    free: AnyArray
    bending: Sparse
    picks: Sparse
    goals: Doubles
    size: float

    @classmethod
    def of(
        cls, own: Side, start: Doubles, here: SurfacePoints, goals: Doubles, size: float
    ) -> _Problem:
        from scipy.sparse import csr_matrix, diags

        mesh = own.mesh.moved_to(start)
        count, stiff = len(start), laplacian(mesh)
        bending = stiff @ diags(size**2 / lumped_areas(mesh)) @ stiff * BENDING
        rows = np.repeat(np.arange(len(here)), 3)
        picks = csr_matrix(
            (here.shares.ravel(), (rows, own.stands[here.corners].ravel())),
            shape=(len(here), count),
        )
        return cls(mesh, own.free, bending, picks, goals, size)

    def system(
        self, stiffness: float, hold: float, weights: Doubles, goals: Doubles
    ) -> tuple[Sparse, Doubles]:
        """Matrix (V, V) and right side (V, 3) of the displacement from the start.

        Closest points ``goals`` (V, 3) weigh so much each, all pairs together weigh ``hold``.
        """
        from scipy.sparse import diags, identity

        start, count = self.mesh.points, max(1, int(self.free.sum()))
        per_pair, pull = hold / len(self.goals), weights / count
        matrix = (stiffness / count) * self.bending + per_pair * (self.picks.T @ self.picks)
        matrix = matrix + diags(pull) + _HOLD * identity(len(start))
        wanted = per_pair * (self.picks.T @ (self.goals - self.picks @ start))
        return matrix.tocsr(), wanted + pull[:, None] * (goals - start)


def _laid(problem: _Problem, other: Side, settings: FitSettings, watch: Watch) -> Doubles:
    """Points (V, 3) of the driver on the target's surface."""
    start = problem.mesh.points
    moved = np.zeros_like(start)
    levels = max(1, settings.iterations)
    for level in range(levels):
        done = level / (levels - 1) if levels > 1 else 1.0
        length = _between(NORMALS, done) * problem.size
        surface = other.surface(length * other.mesh.normals)
        near: Solve | None = None
        for turn in range(ROUNDS):
            share = (level * ROUNDS + turn) / (levels * ROUNDS)
            watch.tell(0.1 + 0.9 * share, f"Fitting, level {level + 1} of {levels}")
            weights, goals = _closest(problem, surface, start + moved, length)
            matrix, wanted = problem.system(
                settings.stiffness * DECAY**done, _between(PAIRS, done), weights, goals
            )
            if near is None:
                near = factorised(matrix)
                moved = near(wanted)
            else:
                moved = solved_near(matrix, near, wanted, moved)
    watch.tell(1.0, "Fitting is done")
    return start + moved


def _closest(
    problem: _Problem, surface: Surface, points: Doubles, length: float
) -> tuple[Doubles, Doubles]:
    """Weights (V,) and places (V, 3) of the closest points, normals counting as ``length``."""
    facing = problem.mesh.moved_to(points).normals
    hits = surface.closest(points, facing, near=NEAR, features=length * facing)
    reach = REACH * problem.size
    goals = surface.on(hits, surface.mesh.points)
    return _weights(hits.distances, hits.found & problem.free, reach), goals


def _between(ends: tuple[float, float], done: float) -> float:
    return float(ends[0] * (ends[1] / ends[0]) ** done)


def _weights(distances: Doubles, able: AnyArray, reach: float) -> Doubles:
    """What closest points weigh: 1 where they are near, less where most are nearer, 0 beyond."""
    able = able & (distances < reach)
    if not able.any():
        return np.zeros(len(distances))
    usual = 3 * float(np.median(distances[able])) + 1e-9 * reach
    return np.where(able, 1 / (1 + (distances / usual) ** 2), 0.0)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a head in a mesh: where, how large and which way up, from its shape alone. Uses scipy.

The driver's visible surface is laid over the target's from many starts at once, by closest points
with the worst left out (trimmed iterative closest points: Chetverikov et al. 2002), and the start
that ends best wins. The target may have any size and turn, a neck, shoulders or a whole body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import AnyArray, Doubles
from .mesh import Mesh, unit
from .pairs import Similarity
from .symmetry import symmetry_plane

_TARGET_SAMPLES, _DRIVER_SAMPLES = 16_000, 16_000
_COARSE, _FINE = 110, 700  # driver points in the first and in the last rounds
_COARSE_ROUNDS, _FINE_ROUNDS = 7, 20
_COARSE_GOALS = 4000
_POLISHED, _POLISHING, _MANY = 3, 25, 1500  # ends that are polished, rounds, driver points
_BEST = 10  # starts that are followed to the end
_ANGLES = 14
_SHARES = 0.97 * 0.79 ** np.arange(9)  # of the target's height that is the head's
_KEPT = 0.7
_CLOSE = 0.045  # of the head's height
_MOST_GROWTH = 1.5
_CELL = 1.7  # of the samples' distance: so fine is the grid on which one hides another
_MOST_CELLS = 1024  # of it along an axis, lest a stray vertex far away makes it endless
_UPRIGHT, _AS_DRIVER = 0.02, 0.03  # what the usual ways to stand are worth, as shares of points
Samples = tuple[Doubles, Doubles]


@dataclass(frozen=True, eq=False)
class Frame:
    """A head's own axes: ``turn`` (3, 3) has left, up and front as columns; ``crown`` and ``chin``
    are heights along up, ``height`` the distance between them."""

    turn: Doubles
    crown: float
    chin: float

    @property
    def height(self) -> float:
        """From the chin to the crown."""
        return self.crown - self.chin

    @classmethod
    def of(cls, left: AnyArray, up: AnyArray, crown: AnyArray, chin: AnyArray) -> Frame:
        """From a vector to the left and one roughly upwards, and two points."""
        x = unit(np.asarray(left, np.float64))
        y = unit(np.asarray(up) - (np.asarray(up) @ x) * x)
        turn = np.stack([x, y, np.cross(x, y)], axis=1)
        return cls(turn, float(np.asarray(crown) @ y), float(np.asarray(chin) @ y))


def find_head(driver: Mesh, frame: Frame, target: Mesh) -> tuple[Similarity, float]:
    """The similarity that lays the driver over the target's head, and the share of the driver's
    points (0..1) that then lie on it."""
    from scipy.spatial import cKDTree

    points, normals = visible_samples(driver, _DRIVER_SAMPLES)
    above = points @ frame.turn[:, 1] > frame.chin - 0.05 * frame.height
    points, normals = points[above], normals[above]
    goals = visible_samples(target, _TARGET_SAMPLES)
    starts = _starts(points, frame, target, goals[0])
    coarse = points[:_COARSE], normals[:_COARSE]
    few = goals[0][:_COARSE_GOALS], goals[1][:_COARSE_GOALS]
    batch, scores = _follow(starts, coarse, cKDTree(few[0]), few, _COARSE_ROUNDS, frame)
    best = np.argsort(-scores)[:_BEST]
    fine = points[:_FINE], normals[:_FINE]
    tree = cKDTree(goals[0])
    batch, scores = _follow(batch.chosen(best), fine, tree, goals, _FINE_ROUNDS, frame)
    best = np.argsort(-(scores + _habit(batch, frame)))[:_POLISHED]
    many = points[:_MANY], normals[:_MANY]
    polished = [_polished(batch, row, many, tree, goals, frame) for row in best]
    batch = _Batch(
        *(np.concatenate(parts) for parts in zip(*(b.parts for b in polished), strict=True))
    )
    batch, scores = _follow(batch, many, tree, goals, 0, frame)
    scores = scores + _habit(batch, frame)
    winner = int(np.argmax(scores))
    found = Similarity(float(batch.scale[winner]), batch.turn[winner], batch.shift[winner])
    return found, float(scores[winner])


@dataclass(frozen=True, eq=False)
class _Batch:
    """Many similarities: ``scale`` (S,), ``turn`` (S, 3, 3), ``shift`` (S, 3)."""

    scale: Doubles
    turn: Doubles
    shift: Doubles

    @property
    def parts(self) -> tuple[Doubles, Doubles, Doubles]:
        return self.scale, self.turn, self.shift

    def chosen(self, rows: AnyArray) -> _Batch:
        return _Batch(*(part[rows] for part in self.parts))

    def __call__(self, points: Doubles) -> Doubles:
        return (
            self.scale[:, None, None] * np.einsum("nd,sed->sne", points, self.turn)
            + self.shift[:, None]
        )


def _starts(points: Doubles, frame: Frame, target: Mesh, goals: Doubles) -> _Batch:
    """Turns about the target's plane of symmetry, heads of many sizes with the crown on top."""
    plane = symmetry_plane(target)
    turns = [np.eye(3)]
    for left in (plane.normal, -plane.normal):
        up = unit(np.cross(left, np.eye(3)[np.abs(left).argmin()]))
        front = np.cross(left, up)
        for angle in 2 * np.pi * np.arange(_ANGLES) / _ANGLES:
            y = np.cos(angle) * up + np.sin(angle) * front
            turns.append(np.stack([left, y, np.cross(left, y)], axis=1) @ frame.turn.T)
    scales, kept, shifts = [], [], []
    for turn in turns:
        left, y, _front = (turn @ frame.turn).T
        heights = goals @ y
        top, extent = np.quantile(heights, 0.999), np.ptp(heights)
        for share in _SHARES:
            scale = share * extent / frame.height
            slab = goals[heights > top - scale * frame.height]
            shift = np.median(slab, axis=0) - scale * turn @ np.median(points, axis=0)
            shift += (plane.offset - plane.normal @ slab.mean(axis=0)) * plane.normal
            shift += (top - scale * frame.crown - shift @ y) * y
            scales.append(scale)
            kept.append(turn)
            shifts.append(shift)
    return _Batch(np.array(scales), np.array(kept), np.array(shifts))


def _follow(
    batch: _Batch, samples: Samples, tree: Any, goals: Samples, rounds: int, frame: Frame
) -> tuple[_Batch, Doubles]:
    """Trimmed closest-point rounds for all at once, and the share of points that end close."""
    points, normals = samples
    first = batch.scale
    for _ in range(rounds):
        here = batch(points)
        far, facing, nearest = _closest(batch, here, normals, tree, goals)
        cost = far / (batch.scale[:, None] * frame.height) + 0.3 * (facing < 0.3)
        limit = np.quantile(cost, _KEPT, axis=1, keepdims=True)
        kept = (cost <= limit).astype(np.float64)
        batch = _fitted(points, goals[0][nearest], kept, first)
    here = batch(points)
    far, facing, nearest = _closest(batch, here, normals, tree, goals)
    close = (far < _CLOSE * batch.scale[:, None] * frame.height) & (facing > 0.6)
    depth = np.clip(1 - far / (_CLOSE * batch.scale[:, None] * frame.height), 0, 1)
    return batch, (0.5 * close + 0.5 * close * depth).mean(axis=1)


def _polished(
    batch: _Batch, row: int, samples: Samples, tree: Any, goals: Samples, frame: Frame
) -> _Batch:
    """One of a batch, moved by closest points' tangent planes (Chen and Medioni 1992), which lets
    surfaces slide along each other to where they belong."""
    points, normals = samples
    batch = batch.chosen(np.array([row]))
    for _ in range(_POLISHING):
        here = batch(points)
        far, facing, nearest = _closest(batch, here, normals, tree, goals)
        cost = far[0] + 10 * frame.height * batch.scale * (facing[0] < 0.5)
        kept = cost <= np.quantile(cost, _KEPT)
        planes, middle = goals[1][nearest[0][kept]], here[0][kept].mean(axis=0)
        arms = here[0][kept] - middle
        gaps = np.einsum("nd,nd->n", goals[0][nearest[0][kept]] - here[0][kept], planes)
        growth = np.einsum("nd,nd->n", arms, planes)
        matrix = np.column_stack([np.cross(arms, planes), planes, growth])
        weights = 1 / np.sqrt(1 + (far[0][kept] / np.median(far[0][kept])) ** 2)
        step = np.linalg.lstsq(weights[:, None] * matrix, weights * gaps, rcond=None)[0]
        turn, shift, grown = _turned(step[:3]), step[3:6], 1 + np.clip(step[6], -0.1, 0.1)
        moved = middle + shift + grown * turn @ (batch.shift[0] - middle)
        batch = _Batch(grown * batch.scale, (turn @ batch.turn[0])[None], moved[None])
    return batch


def _turned(vector: Doubles) -> Doubles:
    """The rotation (3, 3) about a vector by its length in radians, at most 0.2."""
    vector = vector * min(1.0, 0.2 / max(float(np.linalg.norm(vector)), 1e-300))
    x, y, z = vector / 2
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.linalg.solve(np.eye(3) - skew, np.eye(3) + skew))


def _closest(
    batch: _Batch, here: Doubles, normals: Doubles, tree: Any, goals: Samples
) -> tuple[Doubles, Doubles, AnyArray]:
    far, nearest = tree.query(here.reshape(-1, 3))
    turned = np.einsum("nd,sed->sne", normals, batch.turn)
    nearest = nearest.reshape(here.shape[:2])
    facing = np.einsum("snd,snd->sn", turned, goals[1][nearest])
    return far.reshape(here.shape[:2]), facing, nearest


def _fitted(points: Doubles, goals: Doubles, kept: Doubles, first: Doubles) -> _Batch:
    """Weighted similarities (Umeyama) from points (N, 3) to goals (S, N, 3)."""
    total = kept.sum(axis=1)[:, None]
    here = kept @ points / total
    there = np.einsum("sn,snd->sd", kept, goals) / total
    a = points[None] - here[:, None]
    b = goals - there[:, None]
    u, values, vt = np.linalg.svd(np.einsum("sn,snd,sne->sde", kept, b, a))
    signs = np.ones_like(values)
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    turn = (u * signs[:, None]) @ vt
    spread = np.einsum("sn,snd,snd->s", kept, a, a)
    scale = (values * signs).sum(axis=1) / np.maximum(spread, 1e-300)
    scale = np.clip(scale, first / _MOST_GROWTH, first * _MOST_GROWTH)
    shift = there - scale[:, None] * np.einsum("sed,sd->se", turn, here)
    return _Batch(scale, turn, shift)


def _habit(batch: _Batch, frame: Frame) -> Doubles:
    """A small reward for heads that stand or look as the driver does."""
    up = frame.turn[:, 1]
    upright = np.einsum("sed,e,d->s", batch.turn, up, up) > 0.9
    alike = np.einsum("sdd->s", batch.turn) > 1 + 2 * 0.85
    return _UPRIGHT * upright + _AS_DRIVER * alike


def visible_samples(mesh: Mesh, count: int, seed: int = 0) -> Samples:
    """Points (N, 3) spread over what can be seen of a mesh from outside, and its normals there.

    The surface's samples are seen from 26 sides; those behind others on a grid of cells are left
    out.
    """
    points, normals = _spread(mesh, count, seed)
    areas = np.linalg.norm(mesh.crossed, axis=1)
    seen = _seen(points, normals, _CELL * float(np.sqrt(0.5 * areas.sum() / count)))
    return points[seen], normals[seen]


def _spread(mesh: Mesh, count: int, seed: int) -> Samples:
    """Random points (count, 3) on the whole surface, and the normals of their triangles."""
    random = np.random.default_rng(seed)
    areas = np.linalg.norm(mesh.crossed, axis=1)
    faces = random.choice(len(areas), count, p=areas / areas.sum())
    u, v = np.sqrt(random.uniform(size=count)), random.uniform(size=count)
    shares = np.stack([1 - u, u * (1 - v), u * v], axis=1)
    points: Doubles = np.einsum("nc,ncd->nd", shares, mesh.points[mesh.triangles[faces]])
    return points, unit(mesh.crossed[faces])


def visible_triangles(mesh: Mesh, count: int = _DRIVER_SAMPLES, seed: int = 0) -> AnyArray:
    """Which triangles (F,) can be seen from outside, by their middles."""
    areas = np.linalg.norm(mesh.crossed, axis=1)
    cell = _CELL * float(np.sqrt(0.5 * areas.sum() / count))
    samples, normals = _spread(mesh, count, seed)
    middles = mesh.points[mesh.triangles].mean(axis=1)
    points = np.concatenate([middles, samples])
    return _seen(points, np.concatenate([unit(mesh.crossed), normals]), cell)[: len(middles)]


def _seen(points: Doubles, normals: Doubles, cell: float) -> AnyArray:
    seen = np.zeros(len(points), bool)
    cell = max(cell, float(np.ptp(points, axis=0).max()) / _MOST_CELLS)
    for way in _ways():
        facing = normals @ way > 0.25
        across, along = _grid_axes(way)
        i, j = ((points @ axis / cell).astype(int) for axis in (across, along))
        i, j = i - i.min() + 1, j - j.min() + 1
        depth = points @ way
        front = np.full((i.max() + 2, j.max() + 2), -np.inf)
        np.maximum.at(front, (i, j), depth)
        seen |= facing & (depth > front[i, j] - 1.5 * cell)
    return seen


def _ways() -> Doubles:
    steps = np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T
    return unit(steps[np.abs(steps).any(axis=1)].astype(np.float64))


def _grid_axes(way: Doubles) -> tuple[Doubles, Doubles]:
    across = unit(np.cross(way, np.eye(3)[np.abs(way).argmin()]))
    return across, np.asarray(np.cross(way, across))

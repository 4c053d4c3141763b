# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets that are hard for a transfer, made by code of the built-in head and the sample target.

Heads are in cm, Y up, Z front, the character's left at +x.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from facewright.core.arrays import AnyArray
from facewright.core.head import Head
from facewright.core.retarget import landmarks, laplacian
from facewright.core.retarget.mesh import Mesh, fans
from facewright.core.retarget.pairs import SurfacePoints
from facewright.core.sample_target import SampleTarget
from numpy.typing import NDArray

from . import truth

Doubles = NDArray[np.float64]
Warp = Callable[[Doubles], Doubles]

PARTS = ("upper_denture", "lower_denture", "tongue", "eye_left", "eye_right")


@dataclass(frozen=True, eq=False)
class Target:
    """A head that is to speak, and its pairs (31) in the order of ``landmarks.NAMES``.

    ``parts`` are points (N, 3) and triangles of its teeth, tongue and eyes. ``size`` is how long
    1 cm is on it, ``upright`` (3, 3) turns it back to Y up.
    """

    mesh: Mesh
    pairs: SurfacePoints
    parts: dict[str, Mesh] = field(default_factory=dict)
    size: float = 1.0
    upright: Doubles = field(default_factory=lambda: np.eye(3))

    def at(self, name: str, points: Doubles | None = None) -> Doubles:
        """Where the pair of that name lies, with the vertices at ``points`` (V, 3)."""
        points = self.mesh.points if points is None else points
        return self.pairs.on(points)[landmarks.NAMES.index(name)]

    def moved(self, points: Doubles) -> Target:
        """The same with its vertices elsewhere."""
        return replace(self, mesh=self.mesh.moved_to(points))

    def bent(self, warp: Warp) -> Target:
        """The same with all its space warped."""
        parts = {name: part.moved_to(warp(part.points)) for name, part in self.parts.items()}
        return replace(self.moved(warp(self.mesh.points)), parts=parts)

    def retold(self, points: Doubles, triangles: AnyArray) -> Target:
        """The same pairs on a mesh that has more vertices, or other triangles."""
        return replace(self, mesh=Mesh.of(points, triangles))


def shuffled(target: Target, seed: int = 3) -> Target:
    """The same surface with other numbers."""
    mesh, old = truth.shuffled(target.mesh, seed)
    new = np.argsort(old).astype(np.int32)
    pairs = SurfacePoints(new[target.pairs.corners], target.pairs.shares)
    return replace(target, mesh=mesh, pairs=pairs)


# ---- easy ones to begin with


def sample(target: SampleTarget) -> Target:
    """The sample target, whose topology is none of the built-in head's."""
    parts = {name: target.parts[name] for name in PARTS}
    return Target(
        Mesh.of(target.skin.vertices, fans(target.skin.faces)),
        target.correspondences,
        {name: Mesh.of(part.vertices, fans(part.faces)) for name, part in parts.items()},
    )


def own_face(head: Head) -> Target:
    """The built-in head itself, its quads cut the other way."""
    faces = head.skin.faces
    faces = np.where(faces[:, 3:] >= 0, np.roll(faces, -1, axis=1), faces)
    parts = {name: head.parts[name] for name in PARTS}
    return Target(
        Mesh.of(head.skin.vertices, fans(faces)),
        landmarks.of_head(head).points,
        {name: Mesh.of(part.vertices, fans(part.faces)) for name, part in parts.items()},
    )


def other_face(head: Head) -> Target:
    """The built-in head, longer and broader at the jaw."""
    plain = own_face(head)

    def longer(points: Doubles) -> Doubles:
        lower = np.exp(-(((points[:, 1:2] + 5) / 4) ** 2))
        return points * [1.05, 1.1, 0.95] * (1 + 0.15 * lower * [1, 0, 0])

    return _with_balls(plain, plain.bent(longer))


def _with_balls(before: Target, after: Target, scale: float = 1.0) -> Target:
    """Eyeballs stay balls, where the space around them was warped."""
    parts = dict(after.parts)
    for name in ("eye_left", "eye_right"):
        ball = before.parts[name]
        there = parts[name].points.mean(axis=0)
        parts[name] = ball.moved_to(there + scale * (ball.points - ball.points.mean(axis=0)))
    return replace(after, parts=parts)


# ---- faces that no human has


def with_large_eyes(target: Target) -> Target:
    """Eyes twice as large, on a head that is broader there."""

    def broader(points: Doubles) -> Doubles:
        upper = 1 / (1 + np.exp(-(points[:, 1:2] - 1.5)))
        return points * (1 + 0.3 * upper * [1, 0, 0])

    broad = target.bent(broader)
    centres = [_eye_of(broad, side) for side in ("Left", "Right")]

    def larger(points: Doubles) -> Doubles:
        out = points.copy()
        for centre in centres:
            away = points - centre
            near = np.exp(-((away / [2.7, 2.7, 4.0]) ** 2).sum(axis=1))
            out += near[:, None] * away * [1, 1, 0.5]
        return out

    return _with_balls(broad, broad.bent(larger), 1.6)


def _eye_of(target: Target, side: str) -> Doubles:
    return np.mean([target.at(f"{side} {end} eye corner") for end in ("inner", "outer")], axis=0)


def without_nose(target: Target) -> Target:
    """The nose is gone: in its place the smoothest surface."""
    points = target.mesh.points.copy()
    root, base = target.at("Nose root"), target.at("Nose base")
    wings = [target.at(f"{side} nose wing")[0] for side in ("Left", "Right")]
    across = points[:, 0] / (0.75 * abs(wings[0] - wings[1]))
    up = (points[:, 1] - (root[1] + base[1]) / 2) / ((root[1] - base[1]) / 2 + 0.4)
    free = np.flatnonzero((across**2 + up**2 < 1) & (points[:, 2] > base[2] - 3))
    kept = np.setdiff1d(np.arange(len(points)), free)
    rows = laplacian.laplacian(target.mesh)[free]
    points[free] = laplacian.factorised(rows[:, free].tocsc())(-(rows[:, kept] @ points[kept]))
    return target.moved(points)


# ---- meshes that are not as they should be


def sealed(target: Target, head: Head) -> Target:
    """Of `other_face`: without the mouth's inside, the lips sewn together."""
    inside = np.zeros(len(target.mesh.points), bool)
    inside[np.unique(head.skin.faces[head.skin.materials == 1])] = True
    points, triangles = target.mesh.points, target.mesh.triangles
    triangles = triangles[~inside[triangles].all(axis=1)]
    loop = _rim(Mesh.of(points, triangles), target.at("Inner upper lip"))
    return target.retold(points, np.concatenate([triangles, _zip(points, loop)]))


def _rim(mesh: Mesh, near: Doubles) -> NDArray[np.int64]:
    """Vertices of the open edge next to a point, in the order that closes the hole."""
    sides = {tuple(side) for side in mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist()}
    following = {b: a for a, b in sides if (b, a) not in sides}
    start = min(following, key=lambda vertex: float(((mesh.points[vertex] - near) ** 2).sum()))
    loop = [start]
    while following[loop[-1]] != start:
        loop.append(following[loop[-1]])
    return np.array(loop)


def _zip(points: Doubles, loop: NDArray[np.int64]) -> NDArray[np.int64]:
    """Triangles that close a loop from its one end in x to the other."""
    loop = np.roll(loop, -int(points[loop, 0].argmin()))
    end = int(points[loop, 0].argmax())
    first, second = loop[: end + 1], np.concatenate([loop[:1], loop[: end - 1 : -1]])
    triangles, i, j = [], 0, 0
    while (i, j) != (len(first) - 1, len(second) - 1):
        done = i == len(first) - 1, j == len(second) - 1
        along = done[1] or (not done[0] and points[first[i + 1], 0] < points[second[j + 1], 0])
        new = first[i + 1] if along else second[j + 1]
        triangles.append([first[i], new, second[j]])
        i, j = (i + 1, j) if along else (i, j + 1)
    return np.array([corners for corners in triangles if len(set(corners)) == 3])


def in_islands(target: Target, apart: float = 0.0) -> Target:
    """Lips and lids are meshes of their own, ``apart`` cm before the face."""
    mesh = target.mesh
    centres = mesh.points[mesh.triangles].mean(axis=1)
    label = np.zeros(len(mesh.triangles), int)
    mouth = (target.at("Inner upper lip") + target.at("Inner lower lip")) / 2
    for number, (middle, reach) in enumerate(
        ((mouth, 2.2), (_eye_of(target, "Left"), 1.7), (_eye_of(target, "Right"), 1.7)), 1
    ):
        label[np.linalg.norm(centres - middle, axis=1) < reach] = number
    keys = mesh.triangles.astype(np.int64) * 4 + label[:, None]
    used, triangles = np.unique(keys, return_inverse=True)
    points = mesh.points[used // 4] + apart * (used % 4)[:, None] * [0, 0, 1.0]
    place = np.zeros(len(mesh.points), np.int32)
    place[used // 4] = np.arange(len(used))  # the last of them, which lies in front
    pairs = SurfacePoints(place[target.pairs.corners], target.pairs.shares)
    return replace(target, mesh=Mesh.of(points, triangles.reshape(-1, 3)), pairs=pairs)


def non_manifold(target: Target, seed: int = 5) -> Target:
    """With fins on edges, faces that are there twice, also wound both ways, and flat ones."""
    dice, mesh = np.random.default_rng(seed), target.mesh
    edges = mesh.edges[dice.choice(len(mesh.edges), 100, replace=False)]
    finned, flat = edges[:60], edges[60:, [0, 1, 1]]
    tips = mesh.points[finned].mean(axis=1) + 0.3 * mesh.normals[finned[:, 0]]
    fins = np.concatenate([finned, len(mesh.points) + np.arange(60)[:, None]], axis=1)
    twice = mesh.triangles[dice.choice(len(mesh.triangles), 80, replace=False)]
    more = [mesh.triangles, fins, flat, twice, twice[:40, ::-1]]
    return target.retold(np.concatenate([mesh.points, tips]), np.concatenate(more))


def with_loose_vertices(target: Target, far: float) -> Target:
    """With vertices that no face has, one of them ``far`` cm away."""
    loose = 8 * np.random.default_rng(1).normal(size=(30, 3))
    points = np.concatenate([target.mesh.points, loose, [[far, 0, 0]]])
    return target.retold(points, target.mesh.triangles)


def with_body(target: Target, tall: float = 150.0, rings: int = 40) -> Target:
    """With shoulders and a trunk below the neck's open edge, ``tall`` cm in all."""
    points, triangles = [target.mesh.points], [target.mesh.triangles]
    lowest = target.mesh.points[target.mesh.points[:, 1].argmin()]
    loop = _rim(target.mesh, lowest)
    edge, before, count = target.mesh.points[loop], loop, len(target.mesh.points)
    middle = edge.mean(axis=0)
    for ring in range(1, rings + 1):
        down = ring / rings
        broad = 1 + 1.6 * np.sin(np.pi * min(1.0, 8 * down) / 2)
        flat = (edge - middle) * [broad, 1 - down, 1 + 0.3 * (broad - 1)]
        points.append(flat + middle - [0, tall * down, 0])
        after = np.arange(count, count + len(loop))
        count += len(loop)
        along = np.roll(before, -1), np.roll(after, -1)
        triangles.append(np.stack([before, along[0], after], axis=1))
        triangles.append(np.stack([along[0], along[1], after], axis=1))
        before = after
    return target.retold(np.concatenate(points), np.concatenate(triangles))


def with_parts(target: Target) -> tuple[Target, dict[str, NDArray[np.int64]]]:
    """Teeth, tongue and eyes in the skin's own mesh; and which vertices are what."""
    points, triangles, pieces = [target.mesh.points], [target.mesh.triangles], {}
    count = len(target.mesh.points)
    for name, part in target.parts.items():
        points.append(part.points)
        triangles.append(part.triangles + count)
        pieces[name] = np.arange(count, count + len(part.points))
        count += len(part.points)
    whole = target.retold(np.concatenate(points), np.concatenate(triangles))
    return replace(whole, parts={}), pieces


def subdivided(target: Target, times: int) -> Target:
    """Each triangle becomes four, so many times."""
    for _ in range(times):
        mesh = target.mesh
        sides = np.sort(mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        edges, which = np.unique(sides, axis=0, return_inverse=True)
        a, b, c = mesh.triangles.T
        ab, bc, ca = (which.reshape(-1, 3) + len(mesh.points)).T
        parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        target = target.retold(
            np.concatenate([mesh.points, mesh.points[edges].mean(axis=1)]),
            np.concatenate([np.stack(part, axis=1) for part in parts]),
        )
    return target


# ---- heads elsewhere


def placed(target: Target, size: float, turn: Doubles) -> Target:
    """Of another size, turned (3, 3), and away from the origin."""
    placed = target.bent(lambda points: size * (points @ turn.T + 3))
    return replace(placed, size=size, upright=turn.T)


def mirrored(target: Target, rewound: bool) -> Target:
    """Of a face in the mirror: its left is what was its right; ``rewound`` so that it faces out."""
    order = [landmarks.NAMES.index(landmarks.mirrored(name)) for name in landmarks.NAMES]
    pairs = SurfacePoints(target.pairs.corners[order], target.pairs.shares[order])
    flipped = target.bent(lambda points: points * [-1, 1, 1])
    triangles = target.mesh.triangles[:, ::-1] if rewound else target.mesh.triangles
    return replace(flipped.retold(flipped.mesh.points, triangles), pairs=pairs)

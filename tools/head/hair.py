# SPDX-License-Identifier: GPL-3.0-or-later
"""Lashes and brows: thin tapering strips that grow from the skin and follow its shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import lids
from .part import Part, join, tube_faces
from .skin import Skin
from .topology import MIRROR, Binding, Floats, Ints, Limit, triangles_of

_STILL_CM = 1e-3
# Linear RGB.
LASH = np.array([0.012, 0.009, 0.008])
BROW = np.array([0.045, 0.027, 0.018])
Shapes = dict[str, Floats]


@dataclass(frozen=True)
class Strips:
    """Strips of one kind: (S, R, 2, 3) points, two per row from root to tip."""

    points: Floats

    def mesh(self) -> tuple[Floats, Ints]:
        """Points and quads of all strips."""
        rows = self.points.shape[1]
        faces = tube_faces(rows, 2, closed=False)
        return join([(strip.reshape(-1, 3), faces) for strip in self.points])


def lashes(skin: Skin, limit: Limit, shapes: Shapes, eye_left: Floats) -> Part:
    """Both eyes' lashes; each hair turns with the lid's frame around the eyeball."""
    loop = lids.loop(skin, lids.FRONT_EDGE)
    rest = limit(skin.points)
    roots = _lash_roots(loop)
    left = _grow_lashes(rest, roots, eye_left)
    points, faces = _both_sides(left)

    def follow(delta: Floats) -> Floats:
        goes = _follow_lid(left, rest, rest + limit(delta), roots, eye_left)
        return goes.reshape(-1, 3)

    moved = _moves_of_both(shapes, skin, follow)
    return Part.of("lashes", points, faces, "lashes", moved, np.tile(LASH, (len(points), 1)))


def _moves_of_both(shapes: Shapes, skin: Skin, follow: Callable[[Floats], Floats]) -> Shapes:
    """The shapes that move hairs: ``follow`` says how the left side's hairs go with a movement of
    the skin, and the right side's go as its mirror image."""
    moved: Shapes = {}
    for name, delta in shapes.items():
        mirrored = (delta * MIRROR)[skin.mirror]
        both = np.concatenate([follow(delta), follow(mirrored) * MIRROR])
        if np.abs(both).max() > _STILL_CM:
            moved[name] = both
    return moved


@dataclass(frozen=True)
class _LashRoots:
    """Where lashes grow: neighbouring loop vertices, the share between them, and the look."""

    first: Ints
    second: Ints
    share: Floats
    length: Floats
    upper: Floats
    lean: Floats
    jitter: Floats

    def place(self, points: Floats) -> tuple[Floats, Floats]:
        """Roots and unit tangents along the lid."""
        a, b = points[self.first], points[self.second]
        tangent = b - a
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        return a + self.share[:, None] * (b - a), tangent


def _lash_roots(loop: Ints, upper: int = 80, lower: int = 36) -> _LashRoots:
    """Roots along the left upper and lower lid, a little uneven."""
    random = np.random.default_rng(7)
    count = len(loop)
    top = np.repeat([True, False], [upper, lower])
    along = np.concatenate([np.linspace(0.10, 0.985, upper), np.linspace(0.22, 0.985, lower)])
    spacing = np.where(top, 1 / upper, 1 / lower)
    along = np.clip(along + random.uniform(-0.24, 0.24, len(top)) * spacing, 0, 0.999)
    # From the inner to the outer corner: over the loop's seam above, backwards below.
    over = lids.OUTER_CORNER + count - lids.INNER_CORNER
    under = lids.INNER_CORNER - lids.OUTER_CORNER
    where = along * np.where(top, over, under)
    step = where.astype(int)
    way = np.where(top, 1, -1)
    swell = np.sin(np.pi * np.clip(along * 0.86 + 0.08, 0, 1)) ** 0.7
    return _LashRoots(
        first=loop[(lids.INNER_CORNER + way * step) % count],
        second=loop[(lids.INNER_CORNER + way * (step + 1)) % count],
        share=where - step,
        length=np.where(top, 0.58, 0.24) * swell * random.uniform(0.85, 1.1, len(top)),
        upper=way.astype(float),
        lean=(along - 0.42) * 1.3 + random.uniform(-0.12, 0.12, len(top)),
        jitter=random.uniform(-0.1, 0.1, len(top)),
    )


def _lid_frames(points: Floats, roots: _LashRoots, eye: Floats) -> tuple[Floats, Floats]:
    """Root positions (S, 3) and frames (S, 3, 3): along the lid, away from the eye, across."""
    place, tangent = roots.place(points)
    away = place - eye
    away -= (away * tangent).sum(axis=1, keepdims=True) * tangent
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return place, np.stack([tangent, away, np.cross(tangent, away)], axis=1)


def _grow_lashes(points: Floats, roots: _LashRoots, eye: Floats, rows: int = 6) -> Strips:
    place, frames = _lid_frames(points, roots, eye)
    tangent, away, across = frames[:, 0], frames[:, 1], frames[:, 2]
    rising = np.where(across[:, 1:2] > 0, across, -across) * roots.upper[:, None]
    t = np.linspace(0, 1, rows)
    reach = np.sin(t * 1.15) * 0.9
    curl = (t**2) * 0.75 + roots.jitter[:, None] * t - 0.08 * np.sin(np.pi * t)
    line = (
        place[:, None]
        + (roots.length[:, None] * reach)[..., None] * away[:, None]
        + (roots.length[:, None] * curl)[..., None] * rising[:, None]
        + (roots.length * roots.lean)[:, None, None] * t[:, None] ** 1.3 * tangent[:, None]
    )
    line += -0.02 * away[:, None]
    half = np.where(roots.upper > 0, 0.015, 0.008)[:, None] * (1 - 0.8 * t)
    sideways = half[..., None] * tangent[:, None]
    return Strips(np.stack([line - sideways, line + sideways], axis=2))


def _follow_lid(
    strips: Strips, rest: Floats, posed: Floats, roots: _LashRoots, eye: Floats
) -> Floats:
    """Displacements of all strip points when the lid moves from rest to posed."""
    place, frames = _lid_frames(rest, roots, eye)
    new_place, new_frames = _lid_frames(posed, roots, eye)
    turn = np.einsum("ski,skj->sij", new_frames, frames)
    offsets = strips.points - place[:, None, None]
    turned = np.einsum("sij,srcj->srci", turn, offsets)
    return turned + new_place[:, None, None] - strips.points


# The left brow in front view, in cm from the eye centre: x, y of the middle line, half height.
BROW_LINE = np.array(
    [
        [-1.75, 1.50, 0.20],
        [-1.2, 1.66, 0.34],
        [-0.4, 1.86, 0.36],
        [0.5, 2.04, 0.31],
        [1.4, 2.06, 0.24],
        [2.1, 1.84, 0.15],
        [2.6, 1.52, 0.05],
    ]
)


def brows(
    skin: Skin, limit: Limit, shapes: Shapes, eye_left: Floats, line: Floats = BROW_LINE
) -> Part:
    """Both brows: hairs laid along a brow line (N, 3) on the skin's front."""
    rest = limit(skin.points)
    front = FrontSurface.of(rest, skin)
    strips, binding = _grow_brow(front, eye_left, line)
    points, faces = _both_sides(strips)
    moved = _moves_of_both(shapes, skin, lambda delta: binding.carry(limit(delta)))
    return Part.of("brows", points, faces, "brows", moved, np.tile(BROW, (len(points), 1)))


@dataclass(frozen=True)
class FrontSurface:
    """The skin as seen from the front: find the foremost point above a place in x and y."""

    points: Floats
    triangles: Ints

    @classmethod
    def of(cls, points: Floats, skin: Skin) -> FrontSurface:
        """Triangles of the face above the mouth that look forward."""
        triangles = triangles_of(skin.quads)
        corners = points[triangles]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        ahead = (normal[:, 2] > 0) & (corners[:, :, 2].mean(axis=1) > 4)
        return cls(points, triangles[ahead])

    def bind(self, places: Floats) -> Binding:
        """Bind places (N, 2) to the foremost triangle over each."""
        corners = self.points[self.triangles]
        a, b, c = (corners[:, i, :2] for i in range(3))
        area = _cross(b - a, c - a)
        vertices = np.empty((len(places), 3), dtype=np.int64)
        weights = np.empty((len(places), 3))
        for i, place in enumerate(places):
            v = _cross(place - a, c - a) / area
            w = _cross(b - a, place - a) / area
            bary = np.stack([1 - v - w, v, w], axis=1)
            inside = (bary > -1e-6).all(axis=1)
            depth = np.where(inside, (bary * corners[:, :, 2]).sum(axis=1), -np.inf)
            best = int(depth.argmax())
            vertices[i], weights[i] = self.triangles[best], bary[best]
        return Binding(vertices, weights)


def _cross(a: Floats, b: Floats) -> Floats:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _grow_brow(
    front: FrontSurface, eye: Floats, middle_line: Floats, count: int = 300
) -> tuple[Strips, Binding]:
    random = np.random.default_rng(11)
    rows = 4
    u = (np.arange(count) + random.uniform(0, 1, count)) / count * 0.95
    # The golden ratio spreads hairs evenly over the brow's height.
    v = 2 * np.modf(np.arange(count) * 0.6180339887)[0] - 1 + random.uniform(-0.08, 0.08, count)
    knots = np.linspace(0, 1, len(middle_line))
    line = np.stack([np.interp(u, knots, column) for column in middle_line.T], axis=1)
    ahead = np.stack([np.interp(u + 0.02, knots, column) for column in middle_line.T], axis=1)
    along = (ahead - line)[:, :2]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    root = line[:, :2] + (v * line[:, 2])[:, None] * normal
    # Hairs rise at the nose, lie along the brow towards the temple, and converge on its line.
    rise = np.interp(u, [0, 0.2, 0.5, 1], [1.3, 0.75, 0.3, 0.05]) - 0.45 * v
    rise += random.uniform(-0.15, 0.15, count)
    direction = along + rise[:, None] * normal
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    length = np.interp(u, [0, 0.15, 0.7, 1], [0.38, 0.55, 0.52, 0.30]) * random.uniform(
        0.8, 1.15, count
    )
    t = np.linspace(0, 1, rows)
    bent = direction[:, None] + (0.5 * t[:, None] ** 1.5) * (along - 0.3 * normal)[:, None]
    middle = root[:, None] + (length[:, None] * t)[..., None] * bent
    side = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    half = 0.017 * (1 - 0.75 * t)
    aside = half[:, None] * side[:, None]
    flat = np.stack([middle - aside, middle + aside], axis=2)
    places = flat.reshape(-1, 2) + eye[:2]
    binding = front.bind(places)
    on_skin = binding.carry(front.points)
    lift = np.broadcast_to((0.035 + 0.05 * np.sin(np.pi * t * 0.8))[None, :, None], flat.shape[:3])
    on_skin[:, 2] += lift.reshape(-1)
    return Strips(on_skin.reshape(count, rows, 2, 3)), binding


def _both_sides(left: Strips) -> tuple[Floats, Ints]:
    """The left strips and their mirror image as one mesh."""
    points, faces = left.mesh()
    return join([(points, faces), (points * MIRROR, faces[:, ::-1])])

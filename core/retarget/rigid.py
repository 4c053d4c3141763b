# SPDX-License-Identifier: GPL-3.0-or-later
"""How teeth and eyes move with the poses: rigid motions (4, 4) in the target's space.

The lower denture moves as the driver's own does, brought over by the similarity S that takes the
driver's lower face to the fitted one: M' = S M S^-1, so that the jaw's pivot comes along. An eye
turns about its own centre, which is that of the sphere through it.

A shape key is a line and a turning jaw an arc: a vertex at distance r from the axis, turned by a
angle a, is off by up to r (1 - cos(a / 2)) on the half way. That is 0.9 % of r for the built-in
head's jaw (24 degrees wide open); with transforms instead of shape keys the motion is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import AnyArray, Doubles
from ..postprocess.eyes import LOOK_DOWN, LOOK_IN, LOOK_OUT, LOOK_UP
from .names import JAW_OPEN
from .pairs import Similarity, similarity

_ROUNDS = 8  # of the sphere's fit
_FEWEST = 12  # vertices that a bone's motion is taken from, if so many move
_STIFF = 1e-3  # what turns less has no axis
_CHIN = 0.7  # of the largest displacement: what moves so far is the chin
_OUTLIER = 0.08  # of the radius: what is off by so much counts half

JAW = (JAW_OPEN, "jawForward", "jawLeft", "jawRight")


def motion(rotation: AnyArray, shift: AnyArray, pivot: AnyArray) -> Doubles:
    """A turn by a rotation vector (3,) in radians about a pivot (3,), then a shift (3,)."""
    matrix = np.eye(4)
    matrix[:3, :3] = turn_of(rotation)
    matrix[:3, 3] = np.asarray(pivot) + np.asarray(shift) - matrix[:3, :3] @ np.asarray(pivot)
    return matrix


def turn_of(rotation: ArrayLike) -> Doubles:
    """The matrix (3, 3) of a rotation vector in radians (Rodrigues' formula)."""
    rotation = np.asarray(rotation, np.float64)
    angle = float(np.linalg.norm(rotation))
    if angle == 0:
        return np.eye(3)
    x, y, z = rotation / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn: Doubles = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn


def carried(matrix: AnyArray, over: Similarity) -> Doubles:
    """A rigid motion (4, 4) of the driver's space in the space that a similarity leads to."""
    brought: Doubles = over.matrix @ np.asarray(matrix) @ np.linalg.inv(over.matrix)
    return brought


def lower_face(points: AnyArray, fitted: AnyArray, opening: AnyArray) -> Similarity:
    """The similarity that brings the driver's lower face to the fitted one.

    Vertices (V, 3) count by how far the driver's jawOpen (V, 3) moves them; if none moves, alike.
    """
    sizes = np.linalg.norm(opening, axis=1)
    return similarity(points, fitted, sizes if sizes.any() else None)


def hinged(over: Similarity, opening: AnyArray, fitted: AnyArray, move: AnyArray) -> Similarity:
    """The same similarity, shifted so that teeth stay under the skin when the mouth opens.

    ``opening`` (4, 4) is the driver's lower teeth's motion at jawOpen. A similarity of the whole
    lower face puts its axis about where the target's own is; how the bone below the fitted chin
    moves, of fitted points (V, 3) and the jawOpen (V, 3) on them, says where exactly.
    """
    fitted, move = np.asarray(fitted, np.float64), np.asarray(move, np.float64)
    sizes = np.linalg.norm(move, axis=1)
    has = carried(opening, over)
    turned = np.eye(3) - has[:3, :3]
    if not sizes.any() or np.abs(turned).max() < _STIFF:
        return over
    chin = fitted[sizes > _CHIN * sizes.max()].mean(axis=0)
    apart = motion_of(fitted, move) - has
    # A shift s of the space that the motion is in moves everything by (I - R) s more.
    shift = np.linalg.pinv(turned, rcond=_STIFF) @ (apart[:3, :3] @ chin + apart[:3, 3])
    return Similarity(over.scale, over.turn, over.shift + shift)


def jaw_motions(
    motions: Mapping[str, AnyArray], pivot: AnyArray, over: Similarity
) -> dict[str, Doubles]:
    """Motions (4, 4) of the target's lower denture per jaw shape at weight 1.

    `motions` (2, 3) are rotation vector and shift per shape and `pivot` (3,) the place that is
    turned about, as `Head.jaw_motions` and `Head.jaw_pivot` have them; `over` leads from their
    space to the target's.
    """
    return {name: carried(motion(each[0], each[1], pivot), over) for name, each in motions.items()}


def motion_of(points: AnyArray, move: AnyArray) -> Doubles:
    """The rigid motion (4, 4) of the bone below a skin (V, 3) that a shape (V, 3) displaces.

    The vertices that move most lie on the bone, as the chin on the jaw: least squares over the
    farthest-moving twelfth of those that move, repeated with less weight for vertices that do not
    keep to the motion.
    """
    points, move = np.asarray(points, np.float64), np.asarray(move, np.float64)
    sizes = np.linalg.norm(move, axis=1)
    moving = np.flatnonzero(sizes > 0.05 * sizes.max(initial=0.0))
    if len(moving) < 4:
        return np.eye(4)
    most = moving[np.argsort(-sizes[moving], kind="stable")[: max(_FEWEST, len(moving) // 12)]]
    weights, matrix = sizes[most], np.eye(4)
    for _ in range(_ROUNDS):
        fitted = similarity(points[most], points[most] + move[most], weights)
        middle = np.average(points[most], axis=0, weights=weights)
        shift = np.average(move[most], axis=0, weights=weights)
        matrix[:3, :3] = fitted.turn
        matrix[:3, 3] = middle + shift - fitted.turn @ middle
        off = points[most] @ fitted.turn.T + matrix[:3, 3] - points[most] - move[most]
        far = np.linalg.norm(off, axis=1)
        usual = max(float(np.median(far)), 1e-6 * float(sizes.max()))
        weights = sizes[most] / (1.0 + (far / usual) ** 2)
    return matrix


def sphere(points: AnyArray) -> tuple[Doubles, float]:
    """Centre (3,) and radius of the sphere through points (K, 3), K >= 4 and not in one plane.

    Least squares of |x|^2 = 2 c.x + (r^2 - |c|^2), repeated with less weight for points that are
    off (a cornea's bulge, an iris inside). Raises ValueError for fewer than 4 points.
    """
    points = np.asarray(points, np.float64)
    if len(points) < 4:
        raise ValueError(f"{len(points)} points make no sphere")
    middle = points.mean(axis=0)
    own = points - middle
    weights = np.ones(len(own))
    centre, radius = np.zeros(3), float(np.linalg.norm(own, axis=1).mean())
    for _ in range(_ROUNDS):
        rows = weights[:, None] * np.hstack([2 * own, np.ones((len(own), 1))])
        solved = np.linalg.lstsq(rows, weights * (own**2).sum(axis=1), rcond=None)[0]
        centre = solved[:3]
        radius = float(np.sqrt(max(solved[3] + centre @ centre, 0.0)))
        off = np.abs(np.linalg.norm(own - centre, axis=1) - radius)
        weights = 1.0 / (1.0 + (off / max(_OUTLIER * radius, 1e-300)) ** 2)
    return middle + centre, radius


def look_motions(side: str, centre: AnyArray, axes: AnyArray) -> dict[str, Doubles]:
    """Motions (4, 4) of an eye per look shape at weight 1, for "Left" or "Right".

    It turns about its `centre` (3,) by the angles at which the look poses are full. `axes` (3, 3)
    are the character's left, up and front in the target's space, as columns.
    """
    left, up, _ = np.asarray(axes, np.float64).T
    outward = 1.0 if side == "Left" else -1.0
    turns = {
        "Down": LOOK_DOWN * left,
        "In": -LOOK_IN * outward * up,
        "Out": LOOK_OUT * outward * up,
        "Up": -LOOK_UP * left,
    }
    return {
        f"eyeLook{way}{side}": motion(np.radians(turn), np.zeros(3), centre)
        for way, turn in turns.items()
    }


def moves_of(points: AnyArray, motions: Mapping[str, AnyArray], names: Sequence[str]) -> Doubles:
    """Displacements (E, K, 3) of points (K, 3) by the motions of those names that have one."""
    points = np.asarray(points, np.float64)
    moves = np.zeros((len(names), *points.shape))
    for row, name in zip(moves, names, strict=True):
        if name in motions:
            matrix = np.asarray(motions[name])
            row[:] = points @ matrix[:3, :3].T + matrix[:3, 3] - points
    return moves

# SPDX-License-Identifier: GPL-3.0-or-later
"""A short haircut as one sculpted shell: locks run from the crown to the edge."""

from __future__ import annotations

import numpy as np

from .part import Part, join, tube_faces
from .topology import Floats, Ints, triangles_of

# The shell is told in angles about an axis through the crown, from a place inside the skull (cm).
_CENTRE = np.array([0.0, 5.5, -1.5])
_AXIS = np.array([0.0, 0.912, -0.410])
_FRONT = np.array([0.0, 0.410, 0.912])
# Degrees around the axis from the front to the left and to the nape, and how far down, in degrees
# from the axis, the hair reaches there and how thick it is, in cm.
_EDGE = np.array(
    [
        [0.0, 93.0, 1.15],
        [22.0, 97.0, 1.10],
        [42.0, 104.0, 0.95],
        [56.0, 111.0, 0.80],
        [66.0, 113.0, 0.70],
        [76.0, 101.0, 0.75],
        [92.0, 97.0, 0.90],
        [106.0, 103.0, 1.00],
        [118.0, 117.0, 1.00],
        [135.0, 127.0, 0.95],
        [180.0, 133.0, 0.90],
    ]
)
_COLUMNS, _ROWS = 256, 44
_TURNS, _RINGS = 64, 31  # rays that look for the skin
_TOP_CM = 1.5
# Locks: how many around the head, how deep the grooves between them, and where they begin.
_LOCKS = ((19, 0.100, 0.3), (37, 0.070, 1.9), (71, 0.035, 4.1), (113, 0.016, 2.6))
_SWEEP = 0.42
# The fringe falls to the right side by so much more.
_FRINGE_DEG = 9.0
# The bun: the way to it from the centre, how far, its radius.
_BUN, _BUN_CM, _BUN_RADIUS_CM = np.array([0.0, 0.84, -0.54]), 11.7, 2.9
DARK = np.array([0.022, 0.012, 0.008])
LIGHT = np.array([0.085, 0.042, 0.022])


def build(skin: Floats, quads: Ints) -> Part:
    """The haircut on a head's skin (V, 3) with quads (M, 4)."""
    around = np.linspace(0, 2 * np.pi, _COLUMNS, endpoint=False)
    down = np.linspace(0, 1, _ROWS + 1)[1:]
    degrees = np.degrees(np.angle(np.exp(1j * around)))
    edge, thick = (np.interp(np.abs(degrees), _EDGE[:, 0], column) for column in _EDGE.T[1:])
    edge += _FRINGE_DEG * np.exp(-(((degrees + 24.0) / 24.0) ** 2))
    grooves = _grooves(around, down)
    # Locks end in points: the deeper the groove, the sooner the edge.
    reach = np.radians(edge + 26.0 * (grooves[-1] - 0.1))
    angle = down[:, None] * reach
    ways = _ways(angle, around)
    skull = _skull(skin, quads, angle)
    body = _TOP_CM + (thick - _TOP_CM) * (down[:, None] ** 1.5)
    tuck = np.clip((1 - down) / 0.14, 0, 1)[:, None] ** 0.5
    radius = skull - 0.12 + (body + grooves * np.minimum(1, 3 * down)[:, None]) * tuck
    top = _CENTRE + _AXIS * (radius[0].mean() + 0.01)
    points = np.concatenate([(_CENTRE + radius[..., None] * ways).reshape(-1, 3), top[None]])
    faces = np.concatenate([tube_faces(_ROWS, _COLUMNS)[:, ::-1], _cap()])
    light = np.clip(0.55 + 2.6 * grooves, 0, 1)
    colours = DARK + light.reshape(-1, 1) * (LIGHT - DARK)
    colours = np.concatenate([colours, colours[:_COLUMNS].mean(axis=0, keepdims=True)])
    knot, knot_faces, knot_colours = _bun()
    points, faces = join([(points, faces), (knot, knot_faces)])
    return Part.of("hair", points, faces, "hair", colours=np.concatenate([colours, knot_colours]))


def _bun() -> tuple[Floats, Ints, Floats]:
    """A knot of hair: points, faces and colours of a ball with locks that wind around it."""
    around = np.linspace(0, 2 * np.pi, _COLUMNS // 2, endpoint=False)
    down = np.linspace(0.02, 0.98, _ROWS // 2) * np.pi
    swirl = around + 2.2 * np.cos(down)[:, None]
    height = 0.10 * np.abs(np.cos(4.5 * swirl)) ** 0.6 + 0.05 * np.abs(np.cos(10 * swirl + 1.0))
    radius = _BUN_RADIUS_CM * (0.94 + height)
    up, side = _BUN, np.array([1.0, 0.0, 0.0])
    ahead = np.cross(side, up)
    points = (
        _BUN_CM * _BUN
        + 0.8 * (radius * np.cos(down)[:, None])[..., None] * up
        + (radius * np.sin(down)[:, None] * np.cos(around))[..., None] * ahead
        + (radius * np.sin(down)[:, None] * np.sin(around))[..., None] * side
    )
    light = np.clip(6.0 * (height - 0.03), 0, 1).reshape(-1, 1)
    faces = tube_faces(len(down), len(around))[:, ::-1]
    return _CENTRE + points.reshape(-1, 3), faces, DARK + light * (LIGHT - DARK)


def _grooves(around: Floats, down: Floats) -> Floats:
    """Height (rows, columns) in cm of the locks over the shell's body."""
    swept = around + _SWEEP * down[:, None] ** 1.4
    height = np.zeros_like(swept)
    for count, depth, start in _LOCKS:
        bent = swept + 0.05 * np.sin(3 * swept + start)
        height += depth * (np.abs(np.cos(count * bent / 2 + start)) ** 0.7 - 0.7)
    return height


def _cap() -> Ints:
    first = np.arange(_COLUMNS)
    top = np.full(_COLUMNS, _ROWS * _COLUMNS)
    return np.stack([top, first, (first + 1) % _COLUMNS, np.full(_COLUMNS, -1)], axis=1)


def _ways(angle: Floats, around: Floats) -> Floats:
    """Unit vectors (R, C, 3) at angles (R, C) from the axis and (C,) around it."""
    return (
        np.cos(angle)[..., None] * _AXIS
        + (np.sin(angle) * np.cos(around))[..., None] * _FRONT
        + (np.sin(angle) * np.sin(around))[..., None] * np.array([1.0, 0.0, 0.0])
    )


def _skull(skin: Floats, quads: Ints, angle: Floats) -> Floats:
    """How far the skin is from the centre (R, columns), at angles of that shape from the axis."""
    rings = np.radians(np.linspace(0, 150, _RINGS))
    turns = np.linspace(0, 2 * np.pi, _TURNS, endpoint=False)
    ways = _ways(np.repeat(rings[:, None], _TURNS, axis=1), turns)
    found = _met(skin, quads, ways.reshape(-1, 3)).reshape(_RINGS, _TURNS)
    for ring in found:  # across the ears, which are left out
        met = ring > 0
        ring[~met] = np.interp(np.flatnonzero(~met), np.flatnonzero(met), ring[met], period=_TURNS)
    places = angle / rings[1]
    lower = np.clip(places.astype(int), 0, _RINGS - 2)
    columns = np.arange(_COLUMNS) * _TURNS / _COLUMNS
    left = columns.astype(int)
    share, rise = columns - left, places - lower
    here, there = (
        (1 - share) * found[row, left] + share * found[row, (left + 1) % _TURNS]
        for row in (lower, lower + 1)
    )
    return (1 - rise) * here + rise * there


def _met(skin: Floats, quads: Ints, ways: Floats) -> Floats:
    """How far (N,) from the centre rays (N, 3) leave the skin, -1 where they do not."""
    corners = skin[triangles_of(quads)]
    middle = corners.mean(axis=1)
    ears = (np.abs(middle[:, 0]) > 6.6) & (middle[:, 1] < 5.0) & (middle[:, 1] > -3.5)
    a, b, c = (corners[~ears & (middle[:, 1] > -9)] - _CENTRE).transpose(1, 0, 2)
    whole = (a * np.cross(b, c)).sum(axis=1)
    walls = [np.cross(p, q).T for p, q in ((b, c), (c, a), (a, b))]
    found = np.full(len(ways), -1.0)
    for start in range(0, len(ways), 256):
        shares = np.stack([ways[start : start + 256] @ wall for wall in walls])
        hit = (shares >= -1e-9).all(axis=0) & (shares.sum(axis=0) > 1e-9)
        distance = np.where(hit, whole / np.where(hit, shares.sum(axis=0), 1.0), -1.0)
        found[start : start + 256] = distance.max(axis=1)
    return found

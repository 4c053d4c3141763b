# SPDX-License-Identifier: GPL-3.0-or-later
"""The loose parts of a mesh, and what each is: skin, eye, teeth, tongue, ... Uses scipy.

A part is judged by its shape and by where it lies between the known points of the face, never by
a name or by the order of vertices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import AnyArray, Doubles
from .cleaning import loose_parts, welded
from .mesh import Mesh, unit

SKIN, OTHER = "skin", "other"
KINDS = (
    *(SKIN, "eye_left", "eye_right", "upper_denture", "lower_denture"),
    *("tongue", "lashes", "brows", OTHER),
)
_LIDS = (
    "inner eye corner",
    "outer eye corner",
    "inner upper lid",
    "outer upper lid",
    "inner lower lid",
    "outer lower lid",
)
_NEEDED = (
    *(f"{side} {name}" for side in ("Left", "Right") for name in (*_LIDS, "mouth corner")),
    *("Chin", "Nose root", "Inner upper lip", "Inner lower lip"),
)


@dataclass(frozen=True, eq=False)
class Islands:
    """``numbers`` (V,) say which loose part each vertex belongs to (-1: no triangle has it),
    ``kinds`` what each part is, one of KINDS."""

    numbers: NDArray[np.int32]
    kinds: tuple[str, ...]

    def vertices(self, kind: str) -> NDArray[np.int64]:
        """Vertices of all parts of a kind, ascending."""
        wanted = np.array([each == kind for each in self.kinds], dtype=bool)
        return np.flatnonzero((self.numbers >= 0) & wanted[np.maximum(self.numbers, 0)])


def island_numbers(mesh: Mesh) -> NDArray[np.int32]:
    """Number (V,) of the loose part of each vertex; -1 where no triangle has it."""
    _, which = loose_parts(len(mesh.points), mesh.edges)
    used = np.unique(mesh.triangles)
    found = np.full(len(mesh.points), -1, np.int32)
    _, found[used] = np.unique(which[used], return_inverse=True)
    return found


def named_islands(
    mesh: Mesh, spots: Mapping[str, AnyArray], picked: AnyArray | None = None
) -> Islands:
    """The loose parts of a head and what each is.

    ``spots`` are points (3,) on its skin by the names of `landmarks.py`. Where some that are needed
    are missing, all but the skin is "other". ``picked`` are vertices (K,) of the pairs: a part with
    two or more of them is skin, too, such as lips and lids that are parts of their own.
    """
    stands = welded(mesh)
    numbers = island_numbers(Mesh.of(mesh.points, stands[mesh.triangles]))[stands]
    count = int(numbers.max(initial=-1)) + 1
    picks = numbers[np.zeros(0, int) if picked is None else picked]
    skin = {
        _skin(mesh, numbers, spots),
        *np.flatnonzero(np.bincount(picks[picks >= 0], minlength=count) > 1).tolist(),
    }
    face = _Face.of(spots) if all(name in spots for name in _NEEDED) else None
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(count + 1))
    kinds = []
    for part in range(count):
        if part in skin:
            kinds.append(SKIN)
        elif face is None:
            kinds.append(OTHER)
        else:
            kinds.append(face.kind(mesh.points[order[bounds[part] : bounds[part + 1]]]))
    return Islands(numbers, tuple(kinds))


def _skin(mesh: Mesh, numbers: AnyArray, spots: Mapping[str, AnyArray]) -> int:
    """The part on which most of the points lie, the largest without points."""
    from scipy.spatial import cKDTree

    used = np.flatnonzero(numbers >= 0)
    if not len(used):
        return -1
    if not spots:
        return int(np.bincount(numbers[used]).argmax())
    nearest = cKDTree(mesh.points[used]).query(np.array(list(spots.values())))[1]
    return int(np.bincount(numbers[used[nearest]]).argmax())


@dataclass(frozen=True, eq=False)
class _Eye:
    """Where an eyeball is to be: behind the middle of the lids; ``width`` between the corners."""

    lids: Doubles
    middle: Doubles
    width: float


@dataclass(frozen=True, eq=False)
class _Face:
    """The places that parts are compared with, in the head's own axes (left, up, front)."""

    axes: Doubles
    eyes: dict[str, _Eye]
    mouth: Doubles
    mouth_width: float
    lip_line: float

    @classmethod
    def of(cls, spots: Mapping[str, AnyArray]) -> _Face:
        left = unit(np.asarray(spots["Left outer eye corner"]) - spots["Right outer eye corner"])
        up = np.asarray(spots["Nose root"]) - spots["Chin"]
        up = unit(up - (up @ left) * left)
        axes = np.stack([left, up, np.cross(left, up)], axis=1)
        at = {name: np.asarray(spot, np.float64) @ axes for name, spot in spots.items()}
        eyes = {}
        for side in ("Left", "Right"):
            lids = np.array([at[f"{side} {name}"] for name in _LIDS])
            width = float(np.linalg.norm(lids[0] - lids[1]))
            middle = lids.mean(axis=0) - [0.0, 0.0, 0.4 * width]
            eyes[side.lower()] = _Eye(lids, middle, width)
        corners = at["Left mouth corner"], at["Right mouth corner"]
        line = (at["Inner upper lip"] + at["Inner lower lip"]) / 2
        width = float(np.linalg.norm(corners[0] - corners[1]))
        return cls(axes, eyes, np.array([line[0], line[1], line[2]]), width, float(line[1]))

    def kind(self, points: Doubles) -> str:
        """What a loose part with these vertices (N, 3) is."""
        points = points @ self.axes
        for side, eye in self.eyes.items():
            if _is_eye(points, eye):
                return f"eye_{side}"
        if self._is_in_mouth(points):
            return self._mouth_part(points)
        for eye in self.eyes.values():
            if _is_lash(points, eye):
                return "lashes"
            if _is_brow(points, eye):
                return "brows"
        return OTHER

    def _is_in_mouth(self, points: Doubles) -> bool:
        low, high = (points.min(axis=0) - self.mouth, points.max(axis=0) - self.mouth)
        low, high = low / self.mouth_width, high / self.mouth_width
        middle = (low + high) / 2
        return bool(
            low[0] > -1.1
            and high[0] < 1.1
            and low[1] > -1.3
            and high[1] < 1.2
            and high[2] < 0.12
            and middle[2] > -2.2
        )

    def _mouth_part(self, points: Doubles) -> str:
        """A tongue fills its own middle; teeth are small, and dentures hollow like a horseshoe."""
        low, high = points.min(axis=0), points.max(axis=0)
        half = (high[0] - low[0]) / 2
        middle = (low + high) / 2
        near = np.linalg.norm((points - middle)[:, [0, 2]], axis=1).min()
        if half > 0.25 * self.mouth_width and near < 0.3 * half:
            return "tongue"
        return "upper_denture" if middle[1] > self.lip_line else "lower_denture"


def _is_eye(points: Doubles, eye: _Eye) -> bool:
    """A ball, or a shell of one, about where the eyeball has to be."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    extent = np.ptp(points, axis=0)
    if extent.max() > 1.7 * eye.width or extent[:2].min() < 0.1 * eye.width:
        return False
    away = np.abs(middle - eye.middle) / eye.width
    astray = 0.35 if extent.max() > 0.5 * eye.width else 0.15  # a pupil is small, so is a lash
    return bool(away[:2].max() < astray and away[2] < 0.75 and 0.7 < extent[0] / extent[1] < 1.4)


def _is_lash(points: Doubles, eye: _Eye) -> bool:
    """Small or thin, and beginning at the lids."""
    extent = np.ptp(points, axis=0) / eye.width
    gap = np.linalg.norm(points[:, None] - _loop(eye.lids), axis=2).min() / eye.width
    return bool(extent.max() < 1.6 and extent[1] < 0.75 and gap < 0.16)


def _is_brow(points: Doubles, eye: _Eye) -> bool:
    """Flat before the bone over the eye."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2 - eye.lids.mean(axis=0)
    extent = np.ptp(points, axis=0) / eye.width
    x, y, z = middle / eye.width
    inside = abs(x) < 1.1 and 0.25 < y < 1.35 and -0.8 < z < 0.9
    return bool(inside and extent[0] < 2.2 and extent[1] < 0.9)


def _loop(lids: Doubles) -> Doubles:
    """Points around the opening of the eye: corner, over the upper lid, corner, lower lid."""
    ring = lids[[0, 2, 3, 1, 5, 4, 0]]
    share = np.linspace(0, 1, 5, endpoint=False)[:, None, None]
    return np.asarray((ring[:-1] * (1 - share) + ring[1:] * share).reshape(-1, 3))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggests where a head's known points lie on another head, from that head's shape alone.

The driver is found in the target (`finding.py`), laid loosely over it without any pairs
(`draping.py`), and its known points are read off there, made symmetric, and put on the surface.
Uses scipy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
from ..errors import UserError
from ..watch import Watch
from .draping import Drape, cropped, drape, face_weights
from .finding import Frame, find_head
from .fitting_checks import check_finite
from .islands import island_numbers
from .landmarks import Landmarks, mirrored
from .mesh import Mesh, unit
from .pairs import SurfacePoints
from .surface import Surface

LOW = 0.4  # below this a point is to be looked at
_FEWEST_TRIANGLES = 60
_NO_HEAD = 0.5  # share of the driver that lies on the target, below which there is no head
_GOOD_HEAD = 0.7
# At these distances, of the head's height, confidence has fallen to about a third.
_OFF, _UNEVEN = 0.008, 0.025
# Skin slides along itself here: nothing in the shape says where exactly the point is.
_VAGUE = {"Crown": 0.5, "jaw side": 0.6, "jaw angle": 0.6, "brow": 0.8}
_CROWN_REACH, _CROWN_ASIDE = 0.25, 0.04
_BY_HAND = "Pick the pairs by hand."


@dataclass(frozen=True, eq=False)
class Suggestion:
    """``points`` (K,) on the target for the landmarks ``names`` (K,); ``confidence`` (K,) 0..1."""

    names: tuple[str, ...]
    points: SurfacePoints
    confidence: Doubles


def suggest(
    driver: Mesh, landmarks: Landmarks, target: Mesh, watch: Watch | None = None
) -> Suggestion:
    """Points of the target that correspond to all landmarks of the driver.

    The target may be turned in any way and have any size, and may be a bust or a whole body with
    loose parts. That it stands and looks as the driver does helps, but is not needed. Raises
    UserError where no head is found.
    """
    watch = watch or Watch()
    check_finite(target.points, "target")
    if len(target.triangles) < _FEWEST_TRIANGLES or not np.linalg.norm(target.crossed) > 0:
        raise UserError("The target has too few faces for a head.", _BY_HAND)
    watch.tell(0.02, "Looking for the head")
    frame = frame_of(landmarks, driver.points)
    found, score = find_head(driver, frame, target)
    if score < _NO_HEAD:
        raise UserError("No head like the driver's was found in the target.", _BY_HAND)
    watch.tell(0.35, "Laying the driver over it")
    skin = _skin_of(driver, frame, found(driver.points), target)
    head = cropped(skin, found(driver.points), found.scale * frame.height)
    result = drape(driver, found, frame, head, watch)
    watch.tell(0.95, "Reading the points")
    return _read(landmarks, frame, result, target, skin, score)


def frame_of(landmarks: Landmarks, points: AnyArray) -> Frame:
    """The axes of a head with these landmarks on vertices (V, 3)."""
    spots = dict(zip(landmarks.names, landmarks.points.on(points), strict=True))
    left = sum(spots[name] - spots[mirrored(name)] for name in spots if name.startswith("Left "))
    return Frame.of(left, spots["Nose root"] - spots["Chin"], spots["Crown"], spots["Chin"])


def _skin_of(driver: Mesh, frame: Frame, laid: Doubles, target: Mesh) -> Mesh:
    """The loose part of the target on which most of the driver's face lies."""
    numbers = island_numbers(target)
    if numbers.max() == 0:
        return target
    moved = driver.moved_to(laid)
    face = face_weights(driver, frame) > 0
    hits = Surface(target).closest(laid[face], moved.normals[face], 0.3)
    parts = numbers[target.triangles[hits.triangles[hits.found], 0]]
    best = int(np.bincount(parts, minlength=1).argmax())
    return Mesh(target.points, target.triangles[numbers[target.triangles[:, 0]] == best])


def _read(
    landmarks: Landmarks, frame: Frame, result: Drape, target: Mesh, skin: Mesh, score: float
) -> Suggestion:
    spots = landmarks.points.on(result.points)
    normals = unit(landmarks.points.on(result.normals))
    even = _symmetric(spots, landmarks.mirror)
    uneven = np.linalg.norm(even - spots, axis=1) / result.height
    even = _crowned(even, landmarks, skin, result.height)
    surface = Surface(skin)
    hits = surface.closest(even, normals, 0.3)
    lost = ~hits.found
    corners = skin.triangles[hits.triangles].copy()
    shares = hits.shares.copy()
    if lost.any():
        again = surface.closest(even[lost])
        corners[lost], shares[lost] = skin.triangles[again.triangles], again.shares
    points = SurfacePoints.of(corners, shares)
    off = np.linalg.norm(points.on(target.points) - even, axis=1) / result.height
    vague = np.array([_clear(name) for name in landmarks.names])
    sure = np.clip((score - _NO_HEAD) / (_GOOD_HEAD - _NO_HEAD), 0.2, 1.0)
    confidence = vague * sure * np.exp(-off / _OFF - uneven / _UNEVEN)
    confidence[lost] *= 0.5
    return Suggestion(landmarks.names, points, confidence)


def _crowned(spots: Doubles, landmarks: Landmarks, skin: Mesh, height: float) -> Doubles:
    """The crown is the highest point near the middle of the head, which nothing else marks."""
    own = Landmarks(landmarks.names, SurfacePoints.at_vertices(np.arange(len(spots))))
    axes = frame_of(own, spots).turn
    crown = landmarks.names.index("Crown")
    away = (skin.points - spots[crown]) @ axes
    near = np.linalg.norm(away, axis=1) < _CROWN_REACH * height
    near &= np.abs(away[:, 0]) < _CROWN_ASIDE * height
    used = np.zeros(len(near), bool)
    used[skin.triangles] = True
    near &= used
    if not near.any():
        return spots
    top = away[near][away[near, 1].argmax()] * [0.0, 1.0, 1.0]
    moved = spots.copy()
    moved[crown] += axes @ top
    return moved


def _clear(name: str) -> float:
    return next((share for part, share in _VAGUE.items() if name.endswith(part)), 1.0)


def _symmetric(spots: Doubles, mirror: AnyArray) -> Doubles:
    """Points (K, 3) halfway to their mirror images; the plane is that which fits them best."""
    across = spots - spots[mirror]
    sided = mirror > np.arange(len(mirror))
    ways = across[sided]
    normal = unit(np.median(unit(ways), axis=0))
    middles = (spots + spots[mirror]) / 2
    offset = float(np.median(middles @ normal))
    twin = spots[mirror]
    twin = twin - 2 * (twin @ normal - offset)[:, None] * normal
    return (spots + twin) / 2

# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertex colours of the skin: lips, cheeks, lids and the inside of the mouth."""

from __future__ import annotations

import numpy as np

from . import lids
from .skin import Skin
from .topology import Floats

# Linear RGB.
BASE = np.array([0.53, 0.29, 0.20])
LIPS = np.array([0.42, 0.145, 0.115])
FLUSH = np.array([0.53, 0.22, 0.155])
SHADE = np.array([0.40, 0.20, 0.145])
RIM = np.array([0.20, 0.085, 0.065])
STUBBLE = np.array([0.100, 0.066, 0.052])
MOUTH = np.array([0.40, 0.115, 0.10])


def skin(face: Skin, eye_centres: Floats) -> Floats:
    """Linear RGB per skin vertex (V, 3)."""
    colours = np.tile(BASE, (len(face.points), 1))
    points = face.points

    def blend(share: Floats, towards: Floats) -> None:
        colours[:] += np.clip(share, 0, 1)[:, None] * (towards - colours)

    def spot(centre: list[float], radius: float) -> Floats:
        places = np.array([centre, np.array(centre) * [-1, 1, 1]])
        near = np.linalg.norm(points[None] - places[:, None], axis=2).min(axis=0)
        return np.exp(-((near / radius) ** 2))

    eye = eye_centres[1]
    blend(0.5 * spot([eye[0] * 1.25, eye[1] - 3.2, eye[2] - 0.3], 2.0), FLUSH)
    tip = int(points[:, 2].argmax())
    blend(0.5 * spot(list(points[tip]), 1.3), FLUSH)
    ears = np.clip((np.abs(points[:, 0]) - 7.4) / 1.2, 0, 1) * (np.abs(points[:, 1]) < 6)
    blend(0.55 * ears, FLUSH)
    blend(0.55 * spot([eye[0], eye[1] - 0.25, eye[2] + 1.4], 1.15), SHADE)
    blend(0.72 * scalp(points), STUBBLE)
    rim = np.zeros(len(points), dtype=bool)
    for start in (lids.FRONT_EDGE, lids.MARGIN):
        edge = lids.loop(face, start)
        rim[edge] = True
        rim[face.mirror[edge]] = True
    blend(0.8 * rim, RIM)
    lips = _lips(face)
    blend(lips, LIPS)
    blend(face.mouth.astype(float), MOUTH)
    return colours


# The hairline: degrees from the front around the head, and its height in cm.
HAIRLINE = np.array(
    [
        [0.0, 9.3],
        [18.0, 9.3],
        [34.0, 9.0],
        [44.0, 7.2],
        [54.0, 6.3],
        [61.0, 2.6],
        [70.0, 1.0],
        [80.0, 4.6],
        [96.0, 5.2],
        [108.0, 0.0],
        [125.0, -2.6],
        [180.0, -4.0],
    ]
)


def scalp(points: Floats) -> Floats:
    """1 where hair would grow, fading out over a centimetre at the hairline; not on the ears."""
    around = np.degrees(np.arctan2(np.abs(points[:, 0]), points[:, 2]))
    height = points[:, 1] - np.interp(around, *HAIRLINE.T)
    share = np.clip(height / 1.1 + 0.5, 0, 1)
    ears = (np.abs(points[:, 0]) > 7.75) & (points[:, 1] < 6) & (np.abs(points[:, 2]) < 5)
    return np.where(ears, 0.0, share * share * (3 - 2 * share))


def _lips(face: Skin) -> Floats:
    """1 on the lips' red, fading out over one ring outside it."""
    red = face.mouth.copy()
    for name in ("skin", "rim", "outer", "edge", "inner"):
        red[face.loops[name]] = True
    rings = face.around.distance(red)
    share = np.interp(rings, [0, 1, 2], [1.0, 0.2, 0.0])
    border = face.loops["skin"]
    share[border] = 0.75
    return share

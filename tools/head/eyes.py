# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural eyeballs: sclera, bulging cornea, iris and pupil in one closed surface."""

from __future__ import annotations

import numpy as np

from .basemesh import BaseMesh
from .part import Part, tube_faces
from .topology import MIRROR, Floats, Ints

RADIUS_CM = 1.515
IRIS_RADIUS_CM = 0.64
PUPIL_RADIUS_CM = 0.25
CORNEA_BULGE_CM = 0.05
SEGMENTS = 48


def centres(base: BaseMesh) -> Floats:
    """Centres [right, left] (2, 3) in cm, exact mirror images."""
    left = base.points[base.groups["helper-l-eye"]].mean(axis=0)
    right = base.points[base.groups["helper-r-eye"]].mean(axis=0)
    left = (left + right * MIRROR) / 2
    return np.array([left * MIRROR, left])


def build(name: str, centre: Floats) -> Part:
    """One eyeball that looks along +z; poles at the front and the back."""
    angles, kinds = _rings()
    turn = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    radius = surface_radius(angles)
    ring = np.stack(
        [
            np.outer(np.sin(angles) * radius, np.cos(turn)),
            np.outer(np.sin(angles) * radius, np.sin(turn)),
            np.outer(np.cos(angles) * radius, np.ones(SEGMENTS)),
        ],
        axis=2,
    ).reshape(-1, 3)
    front = [[0.0, 0.0, RADIUS_CM + CORNEA_BULGE_CM]]
    back = [[0.0, 0.0, -RADIUS_CM]]
    points = np.concatenate([ring, front, back])
    faces, materials = _faces(len(angles), kinds)
    colours = _colours(angles, turn)
    return Part.of(name, points + centre, faces, materials, colours=colours)


def surface_radius(angle: Floats) -> Floats:
    """Distance from the centre at an angle from the line of sight: sphere plus cornea."""
    rim = np.arcsin(IRIS_RADIUS_CM / RADIUS_CM) * 1.12
    inside = np.clip(1 - (angle / rim) ** 2, 0, 1)
    return RADIUS_CM + CORNEA_BULGE_CM * inside**1.5


def _rings() -> tuple[Floats, list[str]]:
    """Ring angles from the front, and the material of the band behind each ring."""
    pupil = np.arcsin(PUPIL_RADIUS_CM / RADIUS_CM)
    iris = np.arcsin(IRIS_RADIUS_CM / RADIUS_CM)
    inner = np.linspace(0, pupil, 4)[1:]
    middle = np.linspace(pupil, iris, 9)[1:]
    outer = np.concatenate([iris + np.array([0.02, 0.05]), np.linspace(iris + 0.12, 3.0, 16)])
    kinds = ["pupil"] * 2 + ["iris"] * 8 + ["sclera"] * len(outer)
    return np.concatenate([inner, middle, outer]), kinds


def _faces(rings: int, kinds: list[str]) -> tuple[Ints, list[str]]:
    quads = tube_faces(rings, SEGMENTS)
    first = np.arange(SEGMENTS)
    after = (first + 1) % SEGMENTS
    none = np.full(SEGMENTS, -1)
    front = np.full(SEGMENTS, rings * SEGMENTS)
    last = (rings - 1) * SEGMENTS
    cap = np.stack([front, first, after, none], axis=1)
    rear = np.stack([front + 1, last + after, last + first, none], axis=1)
    bands = [kind for kind in kinds[: rings - 1] for _ in range(SEGMENTS)]
    # Rings run from front to back and turn counter-clockwise seen from the front.
    faces = np.concatenate([quads[:, [0, 3, 2, 1]], cap, rear])
    return faces, bands + ["pupil"] * SEGMENTS + ["sclera"] * SEGMENTS


def _colours(angles: Floats, turn: Floats) -> Floats:
    """Linear RGB per vertex: a streaked iris with a dark rim, a sclera reddening to the back."""
    reach = np.sin(np.minimum(angles, np.pi / 2)) * RADIUS_CM
    t = (reach - PUPIL_RADIUS_CM) / (IRIS_RADIUS_CM - PUPIL_RADIUS_CM)
    streak = 0.75 + 0.25 * np.sin(11 * turn) * np.sin(17 * turn + 1.3)
    inner, outer = np.array([0.30, 0.22, 0.10]), np.array([0.10, 0.20, 0.23])
    blend = np.clip(t / 0.6, 0, 1)[:, None]
    iris = (inner * (1 - blend) + outer * blend)[:, None] * streak[None, :, None]
    rim = np.clip((t - 0.72) / 0.28, 0, 1)[:, None, None]
    iris = iris * (1 - 0.85 * rim)
    white, red = np.array([0.64, 0.62, 0.60]), np.array([0.60, 0.36, 0.33])
    back = (np.clip((angles - 0.75) / 0.9, 0, 1) ** 1.5)[:, None]
    sclera = np.repeat((white * (1 - back) + red * back)[:, None], len(turn), axis=1)
    edge = np.clip((t - 1.0) / 0.12, 0, 1)[:, None, None]
    colours = np.where(t[:, None, None] <= 1.0, iris, 0.25 * (1 - edge) + sclera * edge)
    colours = np.where(t[:, None, None] <= 0.0, 0.003, colours)
    poles = np.array([[0.003] * 3, red])
    return np.concatenate([colours.reshape(-1, 3), poles])

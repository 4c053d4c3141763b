# SPDX-License-Identifier: GPL-3.0-or-later
"""The skin: the base mesh cut along a neck loop, its regions, and its neutral face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .basemesh import BaseMesh
from .topology import (
    MIRROR,
    Floats,
    Ints,
    Mask,
    Neighbours,
    edge_loop,
    flood,
    mirror_map,
    smooth,
)

# The base mesh in the pinned wheel never changes, so its vertex numbers name places on the face.
# Each pair starts an edge loop at the mid plane.
NECK_LOOP = (1522, 8205)
LIP_LOOPS = {
    "skin": (467, 7223),
    "rim": (509, 7257),
    "outer": (468, 7224),
    "edge": (474, 7229),
    "inner": (520, 7267),
    "deep": (537, 7282),
    "deeper": (554, 7297),
}
MOUTH_ROOF = 710

# Neutral face: average young adults of both sexes and three origins in equal parts, and a few of
# MakeHuman's own details for a friendlier look.
_GENDERS = {"male": 0.55, "female": 0.45}
_DETAILS = {
    "forehead/forehead-scale-vert-decr": 0.25,
    "head/head-oval": 0.2,
    "mouth/mouth-upperlip-height-incr": 0.3,
    "mouth/mouth-scale-horiz-incr": 0.25,
    "mouth/mouth-angles-up": 0.2,
    "nose/nose-point-width-decr": 0.3,
    "nose/nose-width3-decr": 0.3,
    "chin/chin-prominent-incr": 0.3,
}
_SIDED_DETAILS = {
    "eyes/{}-eye-scale-incr": 0.35,
    "eyes/{}-eye-height2-incr": 0.3,
    "cheek/{}-cheek-bones-incr": 0.25,
}
# The source rounds to 0.01 cm: half a step is what smoothing may take away.
ROUNDING_CM = 0.006


def recipe() -> dict[str, float]:
    """Target names and amounts that make the neutral face from the base mesh."""
    amounts: dict[str, float] = dict(_DETAILS)
    for gender, share in _GENDERS.items():
        body = f"macrodetails/universal-{gender}-young-averagemuscle-averageweight"
        amounts[body] = share
        for origin in ("caucasian", "african", "asian"):
            amounts[f"macrodetails/{origin}-{gender}-young"] = share / 3
    for name, amount in _SIDED_DETAILS.items():
        for side in ("l", "r"):
            amounts[name.format(side)] = amount
    return amounts


@dataclass(frozen=True)
class Skin:
    """The cut head: `source` (V,) are base-mesh numbers, `number` (N,) leads back (or -1)."""

    points: Floats
    quads: Ints
    source: Ints
    number: Ints
    mirror: Ints
    around: Neighbours
    mouth: Mask
    loops: dict[str, Ints]

    def local(self, base_vertices: Ints) -> Ints:
        """Skin vertex numbers of base-mesh vertex numbers."""
        return self.number[base_vertices]


def cut(base: BaseMesh) -> Skin:
    """Cut the head off below the neck loop and make its neutral exactly symmetric."""
    body = np.zeros(len(base.points), dtype=bool)
    body[base.groups["body"]] = True
    quads = base.quads[body[base.quads].all(axis=1)]
    everything = Neighbours.of(quads, len(base.points))

    neck = edge_loop(quads, *NECK_LOOP)
    head = flood(everything, MOUTH_ROOF, neck)
    head[neck] = True
    source = np.flatnonzero(head)
    number = np.full(len(base.points), -1)
    number[source] = np.arange(len(source))
    quads = number[quads[head[quads].all(axis=1)]]

    around = Neighbours.of(quads, len(source))
    points = base.points[source]
    mirror = mirror_map(points, tolerance=0.03)
    points = smooth(symmetric(points, mirror), around, ROUNDING_CM)
    loops = {name: edge_loop(quads, *number[list(start)]) for name, start in LIP_LOOPS.items()}
    mouth = flood(around, int(number[MOUTH_ROOF]), loops["inner"])
    return Skin(points, quads, source, number, mirror, around, mouth, loops)


def symmetric(points: Floats, mirror: Ints) -> Floats:
    """The mean of points (V, 3) and their mirror image; x is exactly 0 on the mid plane."""
    return (points + points[mirror] * MIRROR) / 2

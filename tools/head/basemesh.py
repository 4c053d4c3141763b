# SPDX-License-Identifier: GPL-3.0-or-later
"""The MakeHuman base mesh, cut to a head, with the 52 face shapes as found in the wheel.

Everything leaves this module in the asset's space: centimetres, Y up, Z front, the character's
left at +x, origin at the base of the skull (the mesh's own head joint, on the mid plane).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .wheel import Members

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CM_PER_UNIT = 10.0
_BASE = "mpfb2/3dobjs/base.obj"
_GROUPS = "mpfb2/mesh_metadata/basemesh_vertex_groups.json"
_TARGETS = "mpfb2/targets/"
_SHAPES = "faceunits01/targets/faceunits/"


@dataclass(frozen=True)
class BaseMesh:
    """The whole base mesh: points (N, 3) in cm, quads (M, 4), named vertex groups."""

    points: Floats
    quads: Ints
    groups: dict[str, Ints]
    shapes: dict[str, Floats]


def read(members: Members, recipe: dict[str, float], shape_names: Iterable[str]) -> BaseMesh:
    """Read mesh, groups and shapes; `recipe` maps target names to amounts for the neutral."""
    points, quads = parse_obj(members.text(_BASE))
    count = len(points)
    for name, amount in recipe.items():
        points += amount * _parse_target(members.text(f"{_TARGETS}{name}.target.gz"), count)
    shapes = {
        name: _parse_target(members.text(f"{_SHAPES}{name}.target"), count) * CM_PER_UNIT
        for name in shape_names
    }
    groups = {
        name: np.concatenate([np.arange(first, last + 1) for first, last in spans])
        for name, spans in json.loads(members.text(_GROUPS)).items()
    }
    points *= CM_PER_UNIT
    origin = points[groups["joint-head"]].mean(axis=0)
    points -= np.array([0.0, origin[1], origin[2]])
    return BaseMesh(points, quads, groups, shapes)


def parse_obj(text: str) -> tuple[Floats, Ints]:
    points: list[list[float]] = []
    quads: list[list[int]] = []
    for line in text.splitlines():
        if line.startswith("v "):
            points.append([float(word) for word in line.split()[1:4]])
        elif line.startswith("f "):
            corners = [int(word.split("/")[0]) - 1 for word in line.split()[1:]]
            quads.append(corners)
    return np.array(points), np.array(quads, dtype=np.int64)


def _parse_target(text: str, count: int) -> Floats:
    """A target file's lines are `index dx dy dz`; the rest are comments."""
    offsets = np.zeros((count, 3))
    rows = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    if rows:
        indices = np.array([int(row[0]) for row in rows])
        offsets[indices] = np.array([[float(word) for word in row[1:4]] for row in rows])
    return offsets

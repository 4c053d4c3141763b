# SPDX-License-Identifier: GPL-3.0-or-later
"""One mesh of the head on its way into the asset."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .topology import Floats, Ints

# The asset stores material numbers; `core/head.py` repeats the names in this order.
MATERIALS = (
    *("skin", "mouth", "sclera", "iris", "pupil"),
    *("teeth", "gums", "tongue", "lashes", "brows", "scalp", "hair"),
)


@dataclass(frozen=True)
class Part:
    """Points (V, 3) cm, faces (F, 4) with -1 for a missing fourth corner, shapes by name."""

    name: str
    points: Floats
    faces: Ints
    materials: Ints
    shapes: dict[str, Floats] = field(default_factory=dict)
    colours: Floats | None = None

    @classmethod
    def of(
        cls,
        name: str,
        points: Floats,
        faces: Ints,
        material: str | list[str],
        shapes: dict[str, Floats] | None = None,
        colours: Floats | None = None,
    ) -> Part:
        """A part of one material, or with one material name per face."""
        names = [material] * len(faces) if isinstance(material, str) else material
        numbers = np.array([MATERIALS.index(each) for each in names])
        return cls(name, points, faces, numbers, shapes or {}, colours)


def tube_faces(rings: int, segments: int, closed: bool = True) -> Ints:
    """Quads between consecutive rings of `segments` vertices each."""
    steps = np.arange(segments if closed else segments - 1)
    start = np.arange(rings - 1)[:, None] * segments
    after = (steps + 1) % segments
    corners = [start + steps, start + after, start + segments + after, start + segments + steps]
    return np.stack(corners, axis=2).reshape(-1, 4)


def join(pieces: list[tuple[Floats, Ints]]) -> tuple[Floats, Ints]:
    """Stack meshes; -1 corners stay -1."""
    offset, points, faces = 0, [], []
    for piece_points, piece_faces in pieces:
        points.append(piece_points)
        faces.append(np.where(piece_faces < 0, -1, piece_faces + offset))
        offset += len(piece_points)
    return np.concatenate(points), np.concatenate(faces)

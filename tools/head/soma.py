# SPDX-License-Identifier: GPL-3.0-or-later
"""A second topology: the head of the SOMA body, bound to the MakeHuman base mesh.

The wheel holds one body twice, as a mesh of SOMA's topology and as one of MakeHuman's with its
vertices in another order. Where the one lies on the other carries SOMA's vertices over to every
head that the base mesh can take on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .basemesh import parse_obj
from .topology import (
    Binding,
    Floats,
    Ints,
    Neighbours,
    bind,
    closest_barycentric,
    edge_loop,
    flood,
    triangles_of,
)
from .wheel import Members

_SOMA = "soma/SOMA_wrap.obj"
_BODY = "soma/base_body.obj"
_CM_PER_METRE = 100.0
# The base mesh's faces of the body come first in its file.
_BODY_FACES = 13378
# SOMA's own numbers of the edge that starts the loop around the neck, and of the crown: they name
# places, since the mesh in the pinned wheel never changes.
_NECK_LOOP = (59, 5615)
_CROWN = 2
_CANDIDATES = 64
_AHEAD = 60  # faces of the base mesh that the body may leave out in one go
_LESS = 1500  # vertices that it may leave out in all


@dataclass(frozen=True)
class Soma:
    """Head and neck of the SOMA body: points (N, 3) in cm as the wheel has them, quads (M, 4), and
    where each point lies on the base mesh: `binding` has base-mesh vertex numbers as corners.

    ``body`` (K, 3) are the same body's points of all base-mesh vertices, nan where it has none.
    """

    points: Floats
    quads: Ints
    binding: Binding
    body: Floats

    def find(self, vertices: Ints, opening: Floats) -> Binding:
        """Where base-mesh vertices (K,) lie on this mesh.

        `opening` (N, 3) moves the base mesh: where two parts of the skin touch, as lips do, the
        right one is that which also goes along.
        """
        triangles = triangles_of(self.quads)
        opened = self.points + self.binding.carry(opening)
        corners, weights = [], []
        for vertex in vertices:
            here = self.body[vertex]
            apart = ((self.points[triangles].mean(axis=1) - here) ** 2).sum(axis=1)
            near = triangles[np.argsort(apart)[:_CANDIDATES]]
            shares = closest_barycentric(here, self.points[near])
            misses = sum(
                ((np.einsum("nk,nkc->nc", shares, points[near]) - goal) ** 2).sum(axis=1)
                for points, goal in ((self.points, here), (opened, here + opening[vertex]))
            )
            best = int(np.argmin(misses))
            corners.append(near[best])
            weights.append(shares[best])
        return Binding(np.array(corners), np.array(weights))


def read(members: Members, base_quads: Ints, base_count: int) -> Soma:
    """Read both bodies and bind one to the other."""
    points, quads = _cut(*parse_obj(members.text(_SOMA)))
    body, body_quads = parse_obj(members.text(_BODY))
    number = walked(base_quads[:_BODY_FACES], body_quads)
    known = number[body_quads].min(axis=1) >= 0
    near = body[body_quads, 1].max(axis=1) > points[:, 1].min() - 0.02
    bound = bind(points, body, triangles_of(body_quads[known & near]))
    whole = np.full((base_count, 3), np.nan)
    whole[number[number >= 0]] = body[number >= 0]
    return Soma(
        points * _CM_PER_METRE,
        quads,
        Binding(number[bound.corners], bound.weights),
        whole * _CM_PER_METRE,
    )


def _cut(points: Floats, quads: Ints) -> tuple[Floats, Ints]:
    """What lies above the loop around the neck, the loop included."""
    neck = edge_loop(quads, *_NECK_LOOP)
    head = flood(Neighbours.of(quads, len(points)), _CROWN, neck)
    head[neck] = True
    number = np.cumsum(head) - 1
    return points[head], number[quads[head[quads].all(axis=1)]]


def walked(whole: Ints, part: Ints) -> Ints:
    """Vertex of the whole (or -1) for each vertex of a part whose faces came from its faces.

    Both face lists (M, 4) are in the same order, but the part lacks some faces and has some of its
    own, and its vertices are numbered anew without those that it lacks.
    """
    number = np.full(int(part.max()) + 1, -1, np.int64)
    back = np.full(int(whole.max()) + 1, -1, np.int64)
    at = 0
    for face in part:
        for step, other in enumerate(whole[at : at + _AHEAD]):
            if _agree(face, other, number, back):
                number[face], back[other] = other, face
                at += step + 1
                break
    return number


def _agree(face: Ints, other: Ints, number: Ints, back: Ints) -> bool:
    for mine, theirs in zip(face.tolist(), other.tolist(), strict=True):
        known = int(number[mine])
        if known >= 0 and known != theirs:
            return False
        if known < 0 and (back[theirs] >= 0 or not 0 <= theirs - mine <= _LESS):
            return False
    return True

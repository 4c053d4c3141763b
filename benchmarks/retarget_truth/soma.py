# SPDX-License-Identifier: GPL-3.0-or-later
"""SOMA: another identity in another topology, from the same wheel.

The wheel holds a default body as ``base_body.obj``, which has most of the base mesh's faces in
their order, and the same body as ``SOMA_wrap.obj`` in triangles of its own. Walking both face lists
(``tools/head/soma.py``) tells which vertex of the base mesh each one of the default body is; the
closest point on the default body tells how a vertex of the second topology moves.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.surface import Surface
from facewright.tools.head import basemesh, topology, wheel
from facewright.tools.head.soma import walked
from numpy.typing import NDArray

from .makehuman import Driver, base, driver, regions_of
from .truth import Truth, with_shuffled_target

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_CM = 100.0
_NECK_CM = 53.0
_SAME_CM = 0.02  # a vertex farther than this from the default body has no known movement


@cache
def soma(seed: int = 7) -> Truth:
    """The MakeHuman male head drives the default body's head."""
    own, body, wrap = driver(), _read("soma/base_body.obj"), _read("soma/SOMA_wrap.obj")
    number = walked(base().quads, body[1])
    goal, mapped = _goal(own, body[0], number)
    target, corners, shares, close = _target(wrap, body)
    at = np.where(number >= 0, number, 0)
    known = close & (number[corners] >= 0).all(axis=1)
    shapes = base().shapes
    wanted = np.stack(
        [np.einsum("nc,ncd->nd", shares, shape[at[corners]]) for shape in shapes.values()]
    )
    regions = regions_of(target.points, goal, own.landmarks)
    regions["face"] = target.points[:, 2] > 5.0
    truth = Truth("soma", own, target, goal, mapped, wanted, known, 1.0, own.regions(), regions)
    return with_shuffled_target(truth, seed)


def _goal(own: Driver, body: Doubles, number: Ints) -> tuple[Doubles, Mask]:
    """Where the driver's vertices are on the default body."""
    place = np.full(len(base().points), -1, np.int64)
    place[number[number >= 0]] = np.flatnonzero(number >= 0)
    at = place[own.numbers]
    return body[np.where(at >= 0, at, 0)], at >= 0


def _target(
    wrap: tuple[Doubles, Ints], body: tuple[Doubles, Ints]
) -> tuple[Mesh, Ints, Doubles, Mask]:
    """The second topology's head, and its points on the default body: corners, shares, close."""
    points, quads = wrap
    triangles = topology.triangles_of(quads)
    triangles = triangles[(points[triangles, 1] > _NECK_CM).all(axis=1)]
    used, local = np.unique(triangles, return_inverse=True)
    target = Mesh.of(points[used], local.reshape(-1, 3))
    surface = Mesh.of(body[0], topology.triangles_of(body[1]))
    able = (body[0][surface.triangles, 1] > _NECK_CM - 3).all(axis=1)
    surface = Mesh.of(surface.points, surface.triangles[able])
    hits = Surface(surface).closest(target.points, target.normals, 0.0, near=24)
    close = hits.found & (hits.distances < _SAME_CM)
    return target, surface.triangles[hits.triangles].astype(np.int64), hits.shares, close


def _read(name: str) -> tuple[Doubles, Ints]:
    with wheel.Members(wheel.ensure()) as members:
        points, quads = basemesh.parse_obj(members.text(name))
    return points * _CM, quads

# SPDX-License-Identifier: GPL-3.0-or-later
"""From the vertices of the input mesh to a face of the blend shape mesh, frame by frame."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError
from ..core.retarget.pairs import SurfacePoints
from ..core.retarget.spaces import between
from ..core.retarget.wrap import Wrap, longest_first, wrapped
from ..core.solve.basis import PoseBasis
from ..core.solve.neutral import is_same_head, shift_between
from .conversion_meshes import with_deltas
from .conversion_stage import Subdivision
from .joints import world
from .retarget_meshes import from_world, local_points, to_local, to_world, triangles

FOLLOWS = 0.5  # least weight of a vertex that counts in the solve


@dataclass(frozen=True)
class Reader:
    """What turns V vertices of the input, in its own space, into sides and energies of the solve.

    ``base`` (V, 3) is the input at rest; ``turn`` (3, 3) leads displacements of its space into the
    blend shape mesh's. With ``wrap`` the blend shape mesh's vertices follow the input's surface,
    else the meshes have the same vertices.
    """

    basis: PoseBasis
    base: Doubles
    turn: Doubles
    wrap: Wrap | None = None

    def moves(self, points: AnyArray) -> Doubles:
        """How far the blend shape mesh's vertices (N, 3) that the solve looks at should be from its
        neutral."""
        moves = points - self.base if self.wrap is None else self.wrap.moves(points, None)
        found: Doubles = moves @ self.turn.T
        return found

    def read(self, moves: AnyArray) -> tuple[Doubles, Doubles]:
        """Sides (T, P) and energies (T,) of such displacements (T, N, 3), as `core.solve.basis`
        has them of whole faces.

        Summed without a matrix library: its threads wait for each other on a busy machine, and the
        result would hang on their number.
        """
        flat = moves.reshape(len(moves), -1)
        sides = np.einsum("tk,pk->tp", flat, self.basis.deltas)
        return sides, np.einsum("tk,tk->t", flat, flat)


def same_reader(basis: PoseBasis, rest: AnyArray, neutral: str) -> Reader:
    """For meshes of one topology; ``rest`` (V, 3) is the input's own neutral, and ``neutral`` which
    counts: AUTO, SHAPES, or another for its own."""
    rest, own = np.asarray(rest, np.float64), basis.neutral.reshape(-1, 3)
    over = between(rest, own)
    if over.shift.any():  # an expression at rest is not to be taken for a part of the shift
        over = replace(over, shift=over.shift - shift_between(basis, over(rest)))
    turn = over.scale * over.turn
    if neutral == "SHAPES" or (neutral == "AUTO" and is_same_head(basis, over(rest))):
        rest = (own - over.shift) @ np.linalg.inv(turn).T  # the shapes' neutral, seen from there
    return Reader(basis, rest, turn)


def follow_arrays(source: Any, target: Any, rest: AnyArray) -> dict[str, AnyArray]:
    """What the worker's job "follow" takes beside the moves: both meshes as they stand, in the
    input's own space; ``rest`` (V, 3) is the input's neutral."""
    return {
        "driver_points": np.asarray(rest, np.float64),
        "driver_triangles": triangles(source),
        "target_points": to_local(source, to_world(target, local_points(target))),
        "target_triangles": _turned_about(source, target),
    }


def _turned_about(source: Any, target: Any) -> AnyArray:
    """The target's triangles, wound outwards in the input's space."""
    corners = triangles(target)
    mirrored = np.linalg.det(world(source)[:3, :3]) * np.linalg.det(world(target)[:3, :3]) < 0
    return np.ascontiguousarray(corners[:, ::-1]) if mirrored else corners


def near(source: Any, target: Any, found: dict[str, AnyArray]) -> AnyArray:
    """Which vertices (N,) of the blend shape mesh follow the input, as the job "follow" has
    ``found``. Raises UserError where none is near."""
    chosen: AnyArray = np.asarray(found["weights"]) >= FOLLOWS
    if not chosen.any():
        raise UserError(
            f"'{target.name}' is nowhere near '{source.name}'.",
            "Put both heads into the same place: eyes on eyes, mouth on mouth.",
        )
    return chosen


def wrap_reader(
    source: Any, target: Any, basis: PoseBasis, rest: AnyArray, found: dict[str, AnyArray]
) -> Reader:
    """For other meshes: the vertices that the basis looks at follow the input's surface."""
    rest = np.asarray(rest, np.float64)
    at = basis.vertices
    feet = SurfacePoints.of(found["corners"][at], found["shares"][at])
    placed = to_local(source, to_world(target, local_points(target)))[at]
    wrap = wrapped(longest_first(rest, feet), placed, rest, None)
    turn = from_world(target)[:3, :3] @ world(source)[:3, :3]
    return Reader(basis, rest, turn, wrap)


def subdivided_steps(reader: Reader, subdivision: Subdivision) -> Generator[float, None, Reader]:
    """The reader for an input of the same topology that is seen subdivided: poses and rest as the
    subdivision would show them, one pose in each step."""
    basis = reader.basis
    neutral = subdivision(basis.neutral.reshape(-1, 3)).ravel()
    deltas = np.empty_like(basis.deltas)
    for row, delta in enumerate(basis.deltas):
        shape = (basis.neutral + delta).reshape(-1, 3)
        deltas[row] = subdivision(shape).ravel() - neutral
        yield 0.9 * (row + 1) / len(deltas)
    seen = yield from with_deltas(replace(basis, neutral=neutral), deltas)
    return Reader(seen, subdivision(reader.base), reader.turn)

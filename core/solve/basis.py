# SPDX-License-Identifier: GPL-3.0-or-later
"""What a set of poses gives to the solve, and how moving faces are held against it.

Numpy alone, so that Blender's own process can read a mesh without keeping its vertices: a frame
becomes one number per pose (its side) and one of its own (its energy).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles, Integers
from ..errors import UserError
from ..models.model import BlendShapeRig

_VERTEX_BLOCK = 8_192
_FRAME_BLOCK = 32  # frames turned to float64 at once


@dataclass(frozen=True)
class PoseNormal:
    """What the solve needs of P poses once the faces are sides, float64.

    ``normal`` (P, P) D'D; ``size2`` squared diagonal of the neutral's box; ``count`` vertices that
    the solve looks at
    """

    names: tuple[str, ...]
    normal: Doubles
    size2: float
    count: int


@dataclass(frozen=True)
class PoseBasis(PoseNormal):
    """The same with what makes sides of faces, float64.

    ``vertices`` (M,) int64 are those that the solve looks at; ``deltas`` (P, 3 M) D transposed and
    ``neutral`` (3 M,) there
    """

    vertices: Integers
    deltas: Doubles
    neutral: Doubles


def pose_basis(rig: BlendShapeRig) -> PoseBasis:
    """Read what a rig gives to the solve; once per model."""
    return _basis(rig.names, rig.neutral, rig.deltas, rig.mask)


def basis_of(
    names: Sequence[str], neutral: AnyArray, deltas: AnyArray, vertices: Integers | None = None
) -> PoseBasis:
    """Read what any mesh's poses give to the solve: ``neutral`` (V, 3) and ``deltas`` (P, V, 3).

    ``vertices`` (M,) are those that the solve looks at, all of them if None. Any unit. Raises
    UserError when there is no pose or one has vertices without a finite position.
    """
    if not len(names):
        raise UserError("The mesh has no shape keys to convert to.", "Choose a mesh with some.")
    if deltas.shape != (len(names), *neutral.shape) or neutral.shape[1:] != (3,):
        raise ValueError(f"{deltas.shape} deltas for {len(names)} names and {neutral.shape}")
    if not np.isfinite(neutral).all():
        raise UserError("The mesh at rest has vertices without a finite position.", "Mend it.")
    for name, delta in zip(names, deltas, strict=True):
        if not np.isfinite(delta).all():
            raise UserError(
                f"The shape key '{name}' has vertices without a finite position.",
                "Mend or delete that shape key.",
            )
    return _basis(tuple(names), neutral, deltas, vertices)


def _basis(
    names: tuple[str, ...], neutral: AnyArray, deltas: AnyArray, chosen: Integers | None
) -> PoseBasis:
    count = len(names)
    vertices = chosen if chosen is not None else np.arange(len(neutral), dtype=np.int64)
    flat = deltas[:, vertices].reshape(count, -1).astype(np.float64)
    normal = np.zeros((count, count))
    for at in range(0, flat.shape[1], 3 * _VERTEX_BLOCK):
        part = flat[:, at : at + 3 * _VERTEX_BLOCK]
        normal += part @ part.T
    box = np.ptp(neutral.astype(np.float64), axis=0)
    return PoseBasis(
        names=names,
        normal=normal,
        size2=float(box @ box),
        count=len(vertices),
        vertices=vertices,
        deltas=flat,
        neutral=neutral[vertices].reshape(-1).astype(np.float64),
    )


def sides_of(basis: PoseBasis, faces: AnyArray) -> Doubles:
    """D'(face - n) (T, P) float64, all poses, for vertices ``faces`` (T, V, 3) of some frames."""
    sides = np.empty((len(faces), len(basis.names)))
    for place, moved in _moved(basis, faces):
        sides[place] = moved @ basis.deltas.T
    return sides


def energies_of(basis: PoseBasis, faces: AnyArray) -> Doubles:
    """|face - n|^2 (T,) float64 over the vertices looked at, for ``residuals``."""
    energies = np.empty(len(faces))
    for place, moved in _moved(basis, faces):
        energies[place] = np.einsum("tk,tk->t", moved, moved)
    return energies


def _moved(basis: PoseBasis, faces: AnyArray) -> Iterator[tuple[slice, Doubles]]:
    """What the vertices have moved by, (n, 3 M) float64, for few frames at a time."""
    for at in range(0, len(faces), _FRAME_BLOCK):
        block = faces[at : at + _FRAME_BLOCK]
        moved = block[:, basis.vertices].reshape(len(block), -1).astype(np.float64)
        moved -= basis.neutral
        yield slice(at, at + len(block)), moved


def residuals(basis: PoseNormal, sides: Doubles, energies: Doubles, weights: Doubles) -> Doubles:
    """How far the poses stay from the faces: root mean square distance of a vertex (T,) float64.

    In the mesh's unit; ``weights`` (T, P) before multiplier and offset. Without the vertices:
    ``r^2 = e - 2 w.b + w'D'Dw``.
    """
    squares = energies - 2.0 * np.einsum("tp,tp->t", weights, sides)
    squares += np.einsum("tp,tp->t", weights @ basis.normal, weights)
    roots: Doubles = np.sqrt(np.maximum(squares, 0.0) / max(basis.count, 1))
    return roots

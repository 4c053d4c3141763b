# SPDX-License-Identifier: GPL-3.0-or-later
"""The two meshes of a blend shape conversion: how they are joined, and the poses of one."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError
from ..core.solve.basis import PoseBasis, PoseNormal
from .references import Reference, SceneChanged
from .retarget_meshes import local_points, loosely_equal, places

SAME, WRAP = "same", "wrap"
CACHES = ("MESH_SEQUENCE_CACHE",)  # whose mesh at rest is one of its frames


def joined(source: Any, target: Any) -> str:
    """How the meshes are joined: SAME topology, vertex by vertex, or through a WRAP."""
    return SAME if loosely_equal(source, target) else WRAP


def rest_is_a_frame(source: Any) -> bool:
    """Whether the mesh at rest is a frame of the animation, as with Alembic and USD caches."""
    return any(each.type in CACHES and each.show_viewport for each in source.modifiers)


# ---- the poses


@dataclass(frozen=True)
class Unsolved:
    """Shape keys whose weights would show nothing: that are muted, or that a driver moves."""

    muted: tuple[str, ...]
    driven: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        """All of them."""
        return {*self.muted, *self.driven}


def unsolved_of(target: bpy.types.Object) -> Unsolved:
    """The shape keys of a mesh that cannot be solved for."""
    mesh: Any = target.data
    keys = mesh.shape_keys
    driven = driven_paths(keys)
    blocks = [block for block in keys.key_blocks if block != keys.reference_key]
    return Unsolved(
        tuple(block.name for block in blocks if block.mute),
        tuple(block.name for block in blocks if block.path_from_id("value") in driven),
    )


def driven_paths(keys: Any) -> set[str]:
    """Data paths of a mesh's shape keys that drivers move."""
    data = keys.animation_data
    return {curve.data_path for curve in data.drivers} if data is not None else set()


def basis_steps(target: Reference) -> Generator[float, None, PoseBasis]:
    """All poses of a mesh as the solve takes them, one in each step: displacements in the object's
    space from the key that each is relative to, as far as its vertex group lets it.

    Raises UserError for a shape key without finite positions, SceneChanged when the mesh is edited
    on the way.
    """
    rest = local_points(target.get())
    names = pose_names(target.get())
    deltas, normal = np.empty((len(names), rest.size)), np.empty((len(names), len(names)))
    for row, name in enumerate(names):
        deltas[row] = pose_moves(target.get(), name, rest).ravel()
        if not np.isfinite(deltas[row]).all():
            raise UserError(
                f"The shape key '{name}' has vertices without a finite position.",
                "Mend or delete that shape key.",
            )
        _add_row(normal, deltas, row)
        yield (row + 1) / len(names)
    box = np.ptp(rest, axis=0)
    return PoseBasis(
        names=names,
        normal=normal,
        size2=float(box @ box),
        count=len(rest),
        vertices=np.arange(len(rest), dtype=np.int64),
        deltas=deltas,
        neutral=rest.ravel(),
    )


def pose_sizes(target: Any) -> PoseNormal:
    """How large the poses are, without what they have to do with each other."""
    rest, names = local_points(target), pose_names(target)
    squares = [float((pose_moves(target, name, rest) ** 2).sum()) for name in names]
    box = np.ptp(rest, axis=0)
    return PoseNormal(names, np.diag(squares), float(box @ box), len(rest))


def _add_row(normal: Doubles, deltas: Doubles, row: int) -> None:
    """Fill in what a pose has in common with those before it (without a matrix library, whose
    threads wait for each other on a busy machine)."""
    normal[row, : row + 1] = np.einsum("pk,k->p", deltas[: row + 1], deltas[row])
    normal[: row + 1, row] = normal[row, : row + 1]


def with_deltas(basis: PoseBasis, deltas: Doubles) -> Generator[float, None, PoseBasis]:
    """A basis with other displacements (P, 3 M) of the same poses, one in each step."""
    normal = np.empty((len(deltas), len(deltas)))
    for row in range(len(deltas)):
        _add_row(normal, deltas, row)
        yield (row + 1) / len(deltas)
    return replace(basis, normal=normal, deltas=deltas)


def limited(basis: PoseBasis, chosen: AnyArray) -> Generator[float, None, PoseBasis]:
    """A basis that looks at some vertices only, where ``chosen`` (V,) is true, in steps."""
    if chosen.all():
        return basis
    vertices = np.flatnonzero(chosen).astype(np.int64)
    count = len(basis.names)
    neutral = basis.neutral.reshape(-1, 3)[vertices].ravel()
    fewer = replace(basis, count=len(vertices), vertices=vertices, neutral=neutral)
    deltas = basis.deltas.reshape(count, -1, 3)[:, vertices].reshape(count, -1)
    return (yield from with_deltas(fewer, deltas))


def pose_names(target: Any) -> tuple[str, ...]:
    """Names of all shape keys but the basis, in their order."""
    keys = target.data.shape_keys
    if keys is None:
        raise SceneChanged(f"Stopped: '{target.name}' has no shape keys any more.")
    return tuple(block.name for block in keys.key_blocks if block != keys.reference_key)


def pose_moves(obj: Any, name: str, rest: Doubles) -> Doubles:
    """Displacements (V, 3) of one shape key at its full value."""
    keys: Any = obj.data.shape_keys
    block = None if keys is None else keys.key_blocks.get(name)
    if block is None or len(block.points) != len(rest):
        raise SceneChanged(f"Stopped: '{obj.name}' was edited meanwhile.")
    base = rest
    if block.relative_key != keys.reference_key:
        base = places(block.relative_key.points)
    moves = places(block.points) - base
    if block.vertex_group:
        moves *= _group_weights(obj, block.vertex_group, len(rest))[:, None]
    return moves


def _group_weights(obj: Any, name: str, count: int) -> AnyArray:
    """Weights (V,) of a vertex group; all 1 where there is none of that name."""
    group = obj.vertex_groups.get(name)
    if group is None:
        return np.ones(count)
    weights = np.zeros(count)
    for vertex in obj.data.vertices:
        for each in vertex.groups:
            if each.group == group.index:
                weights[vertex.index] = each.weight
    return weights

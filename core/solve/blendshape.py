# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of a rig's poses that come nearest to a moving face.

Published SDK behaviour. With D the deltas of the active poses at the vertices looked at, n the
rig's neutral there and ``s = (diagonal of neutral's box / templateBBSize)^2``:

``A = D'D + s (0.25 L1^2 11' + 10 L2 I + 100 T I + 10 Y S'S)``, one row (+1, -1) of S per pair
``b = D'(face - n) + c T s w_before``, ``w = argmin w'Aw/2 - b'w`` with ``0 <= w <= 1``

The SDK's c is 1, so its temporal term mostly shrinks the weights; c = 100 smooths. The SDK also
minimises ``|Aw - b|^2`` instead. Both are had with ``sdk_compatible``; else c = 100 and the energy
above. Then, for each cancel pair, the smaller of the two is held at (almost) 0 and the frame is
solved again. Result: ``w * multiplier + offset``, also for poses that are not active.

The problem is solved exactly by block principal pivoting (``pivoting``), started from the frame
before. All sums are float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Floats, Integers
from ..errors import UserError
from ..models import BlendShapeRig, SolveConfig
from .pivoting import make_pivot

CANCELLED_BOUND = 1e-10
_VERTEX_BLOCK = 8_192


@dataclass(frozen=True)
class Solver:
    """A rig, prepared: A of the docstring above for its P' active poses, float64.

    ``deltas``    (P', 3 M) D transposed, at the M vertices looked at
    ``neutral``   (3 M,), ``vertices`` (M,) int64
    ``matrix``    (P', P') what is minimised; ``outer`` (P', P') is applied to b before (SDK form)
    ``pull``      factor of the weights before in b
    """

    names: tuple[str, ...]
    config: SolveConfig
    active: Integers
    vertices: Integers
    deltas: Doubles
    neutral: Doubles
    matrix: Doubles
    outer: Doubles | None
    pull: float
    cancel_pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SolveState:
    """Carried from block to block: weights before (P',), and which of them are at a bound.

    ``bounds`` (P',) int64: -1 at 0, 1 at the upper bound, 0 between.
    """

    weights: Doubles
    bounds: Integers


@dataclass(frozen=True)
class WeightTrack:
    """Weights (T, P) float32 of all poses of a rig, by name."""

    names: tuple[str, ...]
    values: Floats


def pairs(ids: tuple[int, ...], active: Integers) -> tuple[tuple[int, int], ...]:
    """Pairs of positions among the active poses that share an id >= 0; others are left out."""
    groups: dict[int, list[int]] = {}
    for position, pose in enumerate(active):
        if ids[pose] >= 0:
            groups.setdefault(ids[pose], []).append(position)
    return tuple((g[0], g[1]) for _, g in sorted(groups.items()) if len(g) == 2)


def prepare(rig: BlendShapeRig, sdk_compatible: bool = False) -> Solver:
    """Set up the solver of a rig. Raises UserError when the rig cannot be solved."""
    config = rig.config
    active = np.flatnonzero(config.active)
    count = len(active)
    vertices = rig.mask if rig.mask is not None else np.arange(len(rig.neutral), dtype=np.int64)
    deltas = rig.deltas[active][:, vertices].reshape(count, -1).astype(np.float64)
    box = np.ptp(rig.neutral.astype(np.float64), axis=0)
    scale = float(box @ box) / config.template_size**2
    symmetry = np.zeros((0, count))
    for first, second in pairs(config.symmetry_ids, active):
        row = np.zeros((1, count))
        row[0, first], row[0, second] = 1.0, -1.0
        symmetry = np.concatenate([symmetry, row])
    normal = np.zeros((count, count))
    for at in range(0, deltas.shape[1], 3 * _VERTEX_BLOCK):
        part = deltas[:, at : at + 3 * _VERTEX_BLOCK]
        normal += part @ part.T
    normal += 0.25 * scale * config.l1**2
    normal += scale * (10.0 * config.l2 + 100.0 * config.temporal) * np.eye(count)
    normal += 10.0 * scale * config.symmetry * (symmetry.T @ symmetry)
    outer = normal if sdk_compatible else None
    matrix = normal @ normal if sdk_compatible else normal
    return Solver(
        names=rig.names,
        config=config,
        active=active,
        vertices=vertices,
        deltas=deltas,
        neutral=rig.neutral[vertices].reshape(-1).astype(np.float64),
        matrix=_definite(matrix),
        outer=outer,
        pull=config.temporal * scale * (1.0 if sdk_compatible else 100.0),
        cancel_pairs=pairs(config.cancel_ids, active),
    )


def _definite(matrix: Doubles) -> Doubles:
    """Make sure that one answer exists: poses may be alike, or move nothing that is looked at."""
    highest = float(np.diag(matrix).max())
    if not highest > 0:
        raise UserError("The model's poses move no vertex that the solve looks at.")
    ridge = np.eye(len(matrix)) * highest
    for strength in (0.0, 1e-13, 1e-11, 1e-9):
        candidate = matrix + strength * ridge
        if np.linalg.eigvalsh(candidate)[0] > 1e-14 * highest:
            return candidate
    return matrix + 1e-7 * ridge


def right_sides(solver: Solver, faces: Floats) -> Doubles:
    """D'(face - n) (T, P') float64 for vertices ``faces`` (T, V, 3) of a block of frames."""
    moved = faces[:, solver.vertices].reshape(len(faces), -1).astype(np.float64)
    moved -= solver.neutral
    return moved @ solver.deltas.T


def start(solver: Solver) -> SolveState:
    """State before the first frame: all weights 0."""
    count = len(solver.active)
    return SolveState(np.zeros(count), np.full(count, -1, np.int64))


def solve_frames(
    solver: Solver,
    sides: Doubles,
    state: SolveState | None = None,
) -> tuple[Doubles, SolveState]:
    """Weights (T, P') float64 of the active poses for right sides (T, P'), and the state.

    Feed blocks one after the other with the state returned last; cut or whole, the result is the
    same to the bit.
    """
    state = state or start(solver)
    weights, bounds = state.weights, state.bounds
    pivot = make_pivot(solver.matrix)
    upper = np.ones(len(solver.active))
    result = np.empty_like(sides)
    for frame, target in enumerate(sides):
        side = target + solver.pull * weights
        if solver.outer is not None:
            side = solver.outer @ side
        weights, bounds = pivot(side, upper, bounds)
        if solver.cancel_pairs:
            weights, _ = pivot(side, _without_cancelled(solver, weights), bounds)
        result[frame] = weights
    return result, SolveState(weights, bounds)


def _without_cancelled(solver: Solver, weights: Doubles) -> Doubles:
    """Upper bounds with the smaller of each cancel pair (the second if alike) held at 1e-10."""
    upper = np.ones(len(weights))
    for first, second in solver.cancel_pairs:
        upper[second if weights[first] >= weights[second] else first] = CANCELLED_BOUND
    return upper


def finish(solver: Solver, weights: Doubles, clamp: bool = False) -> WeightTrack:
    """All poses' weights (T, P) float32: ``w * multiplier + offset``, kept in 0..1 if asked."""
    full = np.zeros((len(weights), len(solver.names)))
    full[:, solver.active] = weights
    full *= np.array(solver.config.multipliers)
    full += np.array(solver.config.offsets)
    if clamp:
        np.clip(full, 0.0, 1.0, out=full)
    return WeightTrack(solver.names, full.astype(np.float32))

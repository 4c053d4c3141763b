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

One oddity of the SDK is left out in both forms: where exactly two active poses carry the pair id
-1 ("none"), it takes them for a pair. No published model has such a table, and a user's own would
be solved for a pair that nobody made.

The problem is solved exactly by block principal pivoting (``pivoting``), started from the frame
before. All sums are float64.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Doubles, Floats, Integers
from ..errors import UserError
from ..models.model import SolveConfig
from .basis import PoseNormal
from .pivoting import Library, make_pivot, make_root_pivot

CANCELLED_BOUND = 1e-10
_ENDLESS = 1_000_000  # frames


@dataclass(frozen=True)
class Solver:
    """A rig, prepared: A of the docstring above for its P' active poses, float64.

    ``active``    (P',) int64, places of those poses among all
    ``matrix``    (P', P') A, positive definite; ``squared`` minimises |A w - b|^2 (SDK form)
    ``pull``      factor of the weights before in b
    """

    names: tuple[str, ...]
    active: Integers
    matrix: Doubles
    squared: bool
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


def prepare(basis: PoseNormal, config: SolveConfig, sdk_compatible: bool = False) -> Solver:
    """Set up the solver of a rig; multipliers and offsets of ``config`` play no part in it.

    Raises UserError when the rig cannot be solved.
    """
    active = np.flatnonzero(config.active)
    count = len(active)
    scale = basis.size2 / config.template_size**2
    normal = basis.normal[np.ix_(active, active)]
    normal += 0.25 * scale * config.l1**2
    normal += scale * (10.0 * config.l2 + 100.0 * config.temporal) * np.eye(count)
    for first, second in pairs(config.symmetry_ids, active):
        row = np.zeros(count)
        row[first], row[second] = 1.0, -1.0
        normal += 10.0 * scale * config.symmetry * np.outer(row, row)
    return Solver(
        names=basis.names,
        active=active,
        matrix=_definite(normal),
        squared=sdk_compatible,
        pull=config.temporal * scale * (1.0 if sdk_compatible else 100.0),
        cancel_pairs=pairs(config.cancel_ids, active),
    )


def _definite(matrix: Doubles) -> Doubles:
    """Make sure that one answer exists: poses may be alike, or move nothing that is looked at."""
    highest = float(np.diag(matrix).max())
    if not highest > 0:
        raise UserError("The poses move no vertex that the solve looks at.")
    ridge = np.eye(len(matrix)) * highest
    for strength in (0.0, 1e-13, 1e-11, 1e-9):
        candidate = matrix + strength * ridge
        if np.linalg.eigvalsh(candidate)[0] > 1e-14 * highest:
            return candidate
    return matrix + 1e-7 * ridge


def start(solver: Solver) -> SolveState:
    """State before the first frame: all weights 0."""
    count = len(solver.active)
    return SolveState(np.zeros(count), np.full(count, -1, np.int64))


def solve_frames(
    solver: Solver,
    sides: Doubles,
    state: SolveState | None = None,
    library: Library = "scipy",
) -> tuple[Doubles, SolveState]:
    """Weights (T, P') float64 of the active poses for right sides (T, P), and the state.

    Feed blocks one after the other with the state returned last; cut or whole, the result is the
    same to the bit.
    """
    state = state or start(solver)
    weights, bounds = state.weights, state.bounds
    pivot = (make_root_pivot if solver.squared else make_pivot)(solver.matrix, library)
    upper = np.ones(len(solver.active))
    result = np.empty((len(sides), len(solver.active)))
    for frame, target in enumerate(sides[:, solver.active]):
        side = target + solver.pull * weights
        weights, bounds = pivot(side, upper, bounds)
        if solver.cancel_pairs:
            weights, _ = pivot(side, _without_cancelled(solver, weights), bounds)
        result[frame] = weights
    return result, SolveState(weights, bounds)


def memory(solver: Solver, tolerance: float) -> int:
    """Frames after which the weights before play no part any more, to ``tolerance``.

    At most a million, which stands for never.

    A frame's weights are the point of a box nearest, in the norm of the matrix, to one that is
    linear in the weights before; so a difference shrinks by pull / (smallest eigenvalue) each time.
    Where a cancel pair changes sides a difference may live longer.
    """
    if solver.pull <= 0:
        return 0
    found = np.linalg.eigvalsh(solver.matrix)
    shrinks = solver.pull / max(float(found[0]), 1e-300)
    # From the norm of the matrix (its square in the SDK's form) to single weights
    spread = float(found[-1]) / max(float(found[0]), 1e-300)
    spread = spread if solver.squared else np.sqrt(spread)
    if shrinks >= 1.0:
        return _ENDLESS
    frames = np.log(tolerance / (spread * np.sqrt(len(found)))) / np.log(shrinks)
    return int(min(max(np.ceil(frames), 1), _ENDLESS))


def settled(solver: Solver, side: Doubles, library: Library = "scipy") -> SolveState:
    """The state where a face that has long stood still, at the right side (1, P), would end.

    In the SDK's form that before the first frame, which is forgotten in a few frames anyway.
    """
    if solver.squared:
        return start(solver)
    still = solver.matrix - solver.pull * np.eye(len(solver.matrix))
    return solve_frames(replace(solver, matrix=_definite(still), pull=0.0), side, library=library)[
        1
    ]


def _without_cancelled(solver: Solver, weights: Doubles) -> Doubles:
    """Upper bounds with the smaller of each cancel pair (the second if alike) held at 1e-10."""
    upper = np.ones(len(weights))
    for first, second in solver.cancel_pairs:
        upper[second if weights[first] >= weights[second] else first] = CANCELLED_BOUND
    return upper


def finish(
    solver: Solver, config: SolveConfig, weights: Doubles, clamp: bool = False
) -> WeightTrack:
    """All poses' weights (T, P) float32: ``w * multiplier + offset``, kept in 0..1 if asked."""
    full = np.zeros((len(weights), len(solver.names)))
    full[:, solver.active] = weights
    full *= np.array(config.multipliers)
    full += np.array(config.offsets)
    if clamp:
        np.clip(full, 0.0, 1.0, out=full)
    return WeightTrack(solver.names, full.astype(np.float32))

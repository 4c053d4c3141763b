# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape conversion one frame at a time, with numpy alone: for Blender's own process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Floats
from ..models.model import SolveConfig
from .basis import PoseNormal, residuals
from .blendshape import Solver, SolveState, finish, prepare, settled, solve_frames, start
from .conversion import SILENT, ConversionSettings, check_finite, config_of


@dataclass(frozen=True)
class LiveSolve:
    """Settings, prepared for a mesh's poses. ``live_solve`` makes it."""

    basis: PoseNormal
    config: SolveConfig
    solver: Solver

    def start(self) -> SolveState:
        """The state before the first frame of a clip: no weights, as ``convert`` begins."""
        return start(self.solver)


@dataclass(frozen=True)
class LiveFrame:
    """One frame: ``weights`` (P,) float32 with multipliers and offsets, ``residual`` as
    ``Converted.residuals``, and the state for the frame that follows."""

    weights: Floats
    residual: float
    state: SolveState


def live_solve(basis: PoseNormal, settings: ConversionSettings) -> LiveSolve:
    """Prepare; again whenever a setting changes. Raises UserError as ``config_of``.

    A frame that is yet to come cannot be looked at: "two_sided" is "causal" here.
    """
    config = config_of(basis, settings)
    return LiveSolve(basis, config, prepare(basis, config, settings.smoothing == "sdk"))


def live_frame(
    live: LiveSolve, side: Doubles, energy: float, state: SolveState | None = None
) -> LiveFrame:
    """Solve the side (P,) of one frame, given the state of the frame before.

    Without a state the face has long stood still as it is: use that after a jump in time, so that
    the weights do not drag behind. Raises UserError for a frame without finite positions.
    """
    sides = np.asarray(side, np.float64)[None]
    check_finite(sides, np.array([energy]))
    state = settled(live.solver, sides, "numpy") if state is None else state
    solved, state = solve_frames(live.solver, sides, state, "numpy")
    solved = np.where(solved < SILENT, 0.0, solved)
    full = np.zeros(sides.shape)
    full[:, live.solver.active] = solved
    residual = residuals(live.basis, sides, np.array([energy]), full)
    weights = finish(live.solver, live.config, solved).values[0]
    return LiveFrame(weights, float(residual[0]), state)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of one frame of a take, from the motion of a few frames before it.

Two stages remember frames before: the smoothers and, with temporal smoothing on, the solve. Both
forget, so a run-up of some frames gives the frame of the whole take, to ``TOLERANCE``; its length
follows from the constants of both. Blinks, darts and the rest hang on the frame's number alone.

A solve may remember longer than ``LONGEST``: with strong temporal smoothing, or with some on a rig
whose poses can undo each other (a tongue's up and down), which only time tells apart. It begins
with the weights that the take has there, so such a frame is near the take's while the values are.
Weights of a rig that nothing changed are the take's own in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np

from ..arrays import Doubles
from ..kept_stages import Kept, KeptStages, stage_values
from ..models.model import Model, SolveConfig
from ..motion import Motion, part_of, shapes_of
from ..parameters import Settings
from ..postprocess.blink import blinks_of_take
from ..postprocess.jaw import jaw_motion
from ..postprocess.skin import skin_controls, smooth, smoothing_memory
from ..solve.basis import PoseBasis
from ..solve.blendshape import (
    Solver,
    SolveState,
    WeightTrack,
    finish,
    memory,
    settled,
)
from ..solve.blendshape import solve_frames as solve
from ..solve.pose_table import Part, RigOverrides
from ..solve.projection import project, skin_sides_of_few
from .shaping import Shaper, products_key, rig_configs
from .stages import face_eyes, missing_rigs, tongue_sides
from .track import FaceTrack, assemble

TOLERANCE = 1e-4  # of a weight
LONGEST = 1_000  # frames of run-up for the solve
_SMOOTHED = TOLERANCE / 100  # of a control: one may move several poses
_SOLVED = TOLERANCE / 10  # of a weight
_FEW = 24  # frames that are brought to right sides faster by way of the vertices
_Sides = Callable[[], Doubles]


@dataclass(frozen=True)
class Moment:
    """Frame ``frame`` of a take of ``total`` frames; ``duration_s`` and ``notices`` of its voice.

    ``motion`` ends with that frame and begins ``run_up`` frames before it, or with frame 0.
    """

    frame: int
    total: int
    motion: Kept[Motion]
    duration_s: float
    notices: tuple[str, ...]


@dataclass(frozen=True)
class RunUp:
    """Frames that are needed before one: for the smoothers, and for the solve of each rig."""

    smoothing: int
    skin: int
    tongue: int

    @property
    def frames(self) -> int:
        return max(self.smoothing + self.skin, self.tongue)


class FrameShaper:
    """The stages after the network, for one frame. Solvers and products are kept in ``kept``."""

    def __init__(self, kept: KeptStages) -> None:
        self._kept = kept
        self._shaper = Shaper(kept)

    def run_up(self, model: Model, settings: Settings, rigs: RigOverrides, rate: Fraction) -> RunUp:
        """How many frames before a frame its face hangs on. Raises UserError."""
        solvers = self._solvers(model, settings, rigs)
        frames = {name: self._memory(name, solver) for name, solver in solvers.items()}
        smoothing = smoothing_memory(rate, settings, _SMOOTHED)
        return RunUp(smoothing, frames.get("skin", 0), frames.get("tongue", 0))

    def _memory(self, name: Part, solver: Kept[Solver]) -> int:
        frames = self._kept.get(
            f"{name}_memory", solver.version, lambda: memory(solver.value, _SOLVED), counted=False
        ).value  # fmt: skip
        return min(frames, LONGEST)

    def face(
        self, model: Model, moment: Moment, settings: Settings, rigs: RigOverrides, run_up: RunUp
    ) -> FaceTrack:
        """The face of that one frame, without its head. Raises UserError."""
        configs, motion = rig_configs(model, settings, rigs), moment.motion.value
        solvers = self._solvers(model, settings, rigs)
        bases = self._shaper.bases(model)
        sides: dict[Part, _Sides] = {}
        if bases.skin is not None:
            sides["skin"] = partial(
                self._skin, model, moment, settings, bases.skin, run_up.skin + 1
            )
        if bases.tongue is not None:
            sides["tongue"] = partial(
                self._tongue, model, moment, settings, bases.tongue, run_up.tongue + 1
            )
        last = part_of(motion, motion.frame_count - 1)
        return assemble(
            [
                (self._weights(name, solvers[name], config, sides[name], settings, moment), config)
                for name, config in configs.items()
            ],
            jaw_motion(model.data.jaw_neutral, last.jaw, settings),
            face_eyes(model, last, settings, moment.frame),
            motion.fps,
            moment.duration_s,
            moment.notices + missing_rigs(model),
            settings.clamp_weights,
            jaw_neutral=model.data.jaw_neutral,
        )

    def _solvers(
        self, model: Model, settings: Settings, rigs: RigOverrides
    ) -> dict[Part, Kept[Solver]]:
        bases = self._shaper.bases(model)
        found: dict[Part, Kept[Solver]] = {}
        for name, config in rig_configs(model, settings, rigs).items():
            basis = bases.skin if name == "skin" else bases.tongue
            if basis is not None:
                found[name] = self._shaper.solver(name, basis, config, model, settings)
        return found

    def _skin(
        self, model: Model, moment: Moment, settings: Settings, basis: PoseBasis, wanted: int
    ) -> Doubles:
        """Right sides of the last ``wanted`` frames, or of all."""
        data, motion = model.data, moment.motion.value
        first = moment.frame + 1 - motion.frame_count
        blink = blinks_of_take(
            first, motion.frame_count, moment.total, motion.fps, data.blink_profile, settings
        )
        controls = skin_controls(motion.skin, blink, settings)
        smoothed, _ = smooth(controls, motion.fps, settings)
        smoothed = smoothed[-wanted:]
        key = products_key(model, moment.motion, settings)
        if len(smoothed) <= _FEW and self._kept.find("skin_products", key) is None:
            shapes = shapes_of(model, motion).skin
            return skin_sides_of_few(data, shapes, basis, smoothed, settings)
        projection = self._shaper.skin_projection(model, moment.motion, settings, basis)
        return project(projection, smoothed.reshape(len(smoothed), -1))

    def _tongue(
        self, model: Model, moment: Moment, settings: Settings, basis: PoseBasis, wanted: int
    ) -> Doubles:
        projection = self._shaper.tongue_projection(model, moment.motion, settings, basis)
        return tongue_sides(projection, moment.motion.value.tongue[-wanted:], settings)

    def _weights(
        self,
        name: Part,
        solver: Kept[Solver],
        config: SolveConfig,
        sides: _Sides,
        settings: Settings,
        moment: Moment,
    ) -> WeightTrack:
        """Weights (1, P) of the moment: the take's own where it has them, else solved up to it."""
        found = self._of_take(name, solver, settings, moment)
        if found is None:
            found = self._solved(name, solver.value, sides(), moment)
        return finish(solver.value, config, found, settings.clamp_weights)

    def _of_take(
        self, name: Part, solver: Kept[Solver], settings: Settings, moment: Moment
    ) -> Doubles | None:
        key = (moment.motion.version, stage_values(settings, name))
        sides = self._kept.find(name, key)
        kept = sides and self._kept.find(f"{name}_weights", (sides.version, solver.version))
        return kept.value[moment.frame : moment.frame + 1] if kept else None

    def _solved(self, name: Part, solver: Solver, sides: Doubles, moment: Moment) -> Doubles:
        first = moment.frame + 1 - len(sides)
        state: SolveState | None = None
        if first > 0 and solver.pull > 0:
            state = settled(solver, sides[:1])
            before = self._kept.last(f"{name}_weights")
            fits = isinstance(before, np.ndarray) and before.shape == (
                moment.total, len(solver.active)
            )  # fmt: skip
            if fits:
                state = replace(state, weights=before[first - 1])
        return solve(solver, sides, state)[0][-1:]

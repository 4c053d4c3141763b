# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of one frame of a take, from the motion of a few frames before it.

Two stages remember frames before: the smoothers and, with temporal smoothing on, the solve. Both
forget, so a run-up of some frames gives the frame of the whole take, to ``TOLERANCE``; its length
follows from the constants of both. Blinks, darts and the rest hang on the frame's number alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..arrays import Doubles
from ..kept_stages import Kept, KeptStages
from ..models.model import Model, SolveConfig
from ..motion import Motion, part_of, shapes_of
from ..parameters import Settings
from ..postprocess.blink import blinks_of_take
from ..postprocess.jaw import jaw_motion
from ..postprocess.skin import skin_controls, smooth, smoothing_memory
from ..solve.blendshape import PoseBasis, Solver, WeightTrack, finish, memory, settled
from ..solve.blendshape import solve_frames as solve
from ..solve.pose_table import Part, RigOverrides
from ..solve.projection import project, skin_sides_of_few
from .shaping import Shaper, products_key, rig_configs
from .stages import face_eyes, missing_rigs, tongue_sides
from .track import FaceTrack, assemble

TOLERANCE = 1e-4  # of a weight
LONGEST = 1_000  # frames of run-up for the solve: temporal smoothing up to about 0.2 of our own rigs
_SMOOTHED = TOLERANCE / 100  # of a control: one may move several poses
_FEW = 24  # frames that are brought to right sides faster by way of the vertices


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

    def run_up(
        self, model: Model, settings: Settings, rigs: RigOverrides, rate: Fraction
    ) -> RunUp:
        """How many frames before a frame its face hangs on. Raises UserError."""
        solvers = self._solvers(model, settings, rigs)
        frames = {
            name: min(
                self._kept.get(
                    f"{name}_memory", solver.version,
                    lambda solver=solver: memory(solver.value, TOLERANCE / 10),
                    counted=False,
                ).value,
                LONGEST,
            )
            for name, solver in solvers.items()
        }  # fmt: skip
        smoothing = smoothing_memory(rate, settings, _SMOOTHED)
        return RunUp(smoothing, frames.get("skin", 0), frames.get("tongue", 0))

    def face(
        self, model: Model, moment: Moment, settings: Settings, rigs: RigOverrides, run_up: RunUp
    ) -> FaceTrack:
        """The face of that one frame, without its head. Raises UserError."""
        configs, motion = rig_configs(model, settings, rigs), moment.motion.value
        solvers = self._solvers(model, settings, rigs)
        bases = self._shaper.bases(model)
        sides: dict[Part, Doubles] = {}
        if bases.skin is not None:
            sides["skin"] = self._skin(model, moment, settings, bases.skin, run_up.skin + 1)
        if bases.tongue is not None:
            sides["tongue"] = self._tongue(model, moment, settings, bases.tongue, run_up.tongue + 1)
        last = part_of(motion, motion.frame_count - 1)
        return assemble(
            [
                (_weights(solver.value, configs[name], sides[name], settings, moment), configs[name])
                for name, solver in solvers.items()
            ],
            jaw_motion(model.data.jaw_neutral, last.jaw, settings),
            face_eyes(model, last, settings, moment.frame),
            motion.fps,
            moment.duration_s,
            moment.notices + missing_rigs(model),
            settings.clamp_weights,
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
    solver: Solver,
    config: SolveConfig,
    sides: Doubles,
    settings: Settings,
    moment: Moment,
) -> WeightTrack:
    """Weights (1, P) of the moment, solved from the right sides of the frames up to it."""
    from_the_start = len(sides) == moment.frame + 1
    state = None if from_the_start or solver.pull <= 0 else settled(solver, sides[:1])
    weights, _ = solve(solver, sides, state)
    return finish(solver, config, weights[-1:], settings.clamp_weights)

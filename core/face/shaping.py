# SPDX-License-Identifier: GPL-3.0-or-later
"""From a whole motion to the face, stage by stage, keeping what each gave (see ``workbench``)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..arrays import Doubles, Floats
from ..errors import UserError
from ..kept_stages import Kept, KeptStages, stage_values
from ..models.model import Model, SolveConfig
from ..motion import Motion, shapes_of
from ..parameters import Settings
from ..postprocess.blink import blink_track
from ..postprocess.head_motion import HeadMotion, head_curves, turns_head
from ..postprocess.jaw import jaw_motion
from ..postprocess.skin import SmoothingState
from ..solve.basis import PoseBasis
from ..solve.blendshape import Solver, SolveState, WeightTrack, finish, prepare
from ..solve.blendshape import solve_frames as solve
from ..solve.pose_table import Part, RigOverrides, config_for
from ..solve.projection import (
    Projection,
    region_products,
    skin_projection,
    tongue_products,
    tongue_projection,
)
from ..watch import Watch
from .stages import FaceBases, face_bases, face_eyes, missing_rigs, skin_sides, tongue_sides
from .track import FaceTrack, assemble

AT_FACE, AT_SOLVE = 0.85, 0.87  # share of a whole run done before
_FACE, _SOLVE = "Shaping the face", "Finding the weights"
_BLOCK = 1_024  # frames between two looks at what the caller wishes


@dataclass(frozen=True)
class _Part:
    """One rig at work: its basis and settings, and the right sides of all frames (T, P)."""

    name: Part
    basis: PoseBasis
    config: SolveConfig
    sides: Kept[Doubles]


class Shaper:
    """The stages after the network. What they give is kept in ``kept``."""

    def __init__(self, kept: KeptStages) -> None:
        self._kept = kept

    def face(
        self,
        model: Model,
        motion: Kept[Motion],
        settings: Settings,
        rigs: RigOverrides,
        duration_s: float,
        notices: tuple[str, ...],
        watch: Watch,
    ) -> FaceTrack:
        """The face of a motion at the rate that the face is to have.

        ``duration_s`` and ``notices`` are those of the voice. Raises UserError and Cancelled.
        """
        configs = rig_configs(model, settings, rigs)
        with watch.stage("postprocess", AT_FACE, _FACE):
            bases = self.bases(model)
            parts = self._parts(model, motion, settings, bases, configs)
            jaw = self._jaw(model, motion, settings)
            eyes = self._eyes(model, motion, settings)
        with watch.stage("solve", AT_SOLVE, _SOLVE):
            tracks = self._tracks(parts, model, settings, watch)
        return assemble(
            [(track, part.config) for track, part in zip(tracks, parts, strict=True)],
            jaw,
            eyes,
            motion.value.fps,
            duration_s,
            notices + missing_rigs(model),
            settings.clamp_weights,
            model.data.jaw_neutral,
        )

    def bases(self, model: Model) -> FaceBases:
        """What the rigs of a model give to the solve."""
        return self._kept.get(
            "rigs", _who(model), lambda: face_bases(model), counted=False
        ).value  # fmt: skip

    def _parts(
        self,
        model: Model,
        motion: Kept[Motion],
        settings: Settings,
        bases: FaceBases,
        configs: dict[Part, SolveConfig],
    ) -> list[_Part]:
        parts: list[_Part] = []
        if bases.skin is not None:
            sides = self._skin(model, motion, settings, bases.skin)
            parts.append(_Part("skin", bases.skin, configs["skin"], sides))
        if bases.tongue is not None:
            sides = self._tongue(model, motion, settings, bases.tongue)
            parts.append(_Part("tongue", bases.tongue, configs["tongue"], sides))
        return parts

    # ---- one stage each -------------------------------------------------------------------------

    def _skin(
        self, model: Model, motion: Kept[Motion], settings: Settings, basis: PoseBasis
    ) -> Kept[Doubles]:
        data, moves = model.data, motion.value

        def work() -> Doubles:
            projection = self.skin_projection(model, motion, settings, basis)
            blink = blink_track(moves.frame_count, moves.fps, data.blink_profile, settings)
            state: SmoothingState | None = None
            blocks = [np.zeros((0, len(basis.names)))]
            for first in range(0, moves.frame_count, _BLOCK):
                part = slice(first, first + _BLOCK)
                block, state = skin_sides(
                    projection, moves.skin[part], blink[part], moves.fps, settings, state
                )
                blocks.append(block)
            return np.concatenate(blocks)

        return self._kept.get("skin", (motion.version, stage_values(settings, "skin")), work)

    def skin_projection(
        self, model: Model, motion: Kept[Motion], settings: Settings, basis: PoseBasis
    ) -> Projection:
        """From smoothed controls to right sides. Only the products in it take long."""
        products = self._kept.get(
            "skin_products", products_key(model, motion, settings),
            lambda: region_products(
                model.data, shapes_of(model, motion.value).skin, basis, settings
            ),
            counted=False,
        ).value  # fmt: skip
        return skin_projection(products, model.data, basis, settings)

    def tongue_projection(
        self, model: Model, motion: Kept[Motion], settings: Settings, basis: PoseBasis
    ) -> Projection:
        """From the tongue's controls to right sides."""
        products = self._kept.get(
            "tongue_products", _shapes_key(model, motion),
            lambda: tongue_products(shapes_of(model, motion.value).tongue, basis),
            counted=False,
        ).value  # fmt: skip
        return tongue_projection(products, model.data, basis, settings)

    def _tongue(
        self, model: Model, motion: Kept[Motion], settings: Settings, basis: PoseBasis
    ) -> Kept[Doubles]:
        def work() -> Doubles:
            projection = self.tongue_projection(model, motion, settings, basis)
            return tongue_sides(projection, motion.value.tongue, settings)

        return self._kept.get("tongue", (motion.version, stage_values(settings, "tongue")), work)

    def _jaw(self, model: Model, motion: Kept[Motion], settings: Settings) -> Floats:
        return self._kept.get(
            "teeth", (motion.version, stage_values(settings, "teeth")),
            lambda: jaw_motion(model.data.jaw_neutral, motion.value.jaw, settings),
        ).value  # fmt: skip

    def _eyes(self, model: Model, motion: Kept[Motion], settings: Settings) -> Floats:
        return self._kept.get(
            "eyes", (motion.version, stage_values(settings, "eyes")),
            lambda: face_eyes(model, motion.value, settings),
        ).value  # fmt: skip

    def head(
        self,
        power: Kept[Floats] | None,
        settings: Settings,
        rate: Fraction,
        count: int,
        voice_name: str,
    ) -> Floats | None:
        """Angles (count, 3) of the head for the power of its voice; None when it does not move.

        Raises UserError when it is to move and nothing is known of the voice.
        """
        if not turns_head(settings):
            return None
        if power is None:
            raise UserError(
                f"Head Motion follows the voice, which the saved take of {voice_name} does not "
                "hold.",
                "Animate the voice again.",
            )

        own = (stage_values(settings, "head"), settings.prediction_delay)
        return self._kept.get(
            "head", (power.version, rate, count, own),
            lambda: self.moving_head(power, settings, rate).frames(0, count),
        ).value  # fmt: skip

    def moving_head(self, power: Kept[Floats], settings: Settings, rate: Fraction) -> HeadMotion:
        """The head of a whole voice, whose frames can be asked for."""
        curves = self._kept.get(
            "head_curves", power.version, lambda: head_curves(power.value), counted=False
        ).value  # fmt: skip
        return HeadMotion.of_voice(curves, rate, settings)

    def _tracks(
        self, parts: list[_Part], model: Model, settings: Settings, watch: Watch
    ) -> tuple[WeightTrack, ...]:
        total = sum(len(part.sides.value) for part in parts)
        solved: list[tuple[_Part, Solver, Kept[Doubles]]] = []
        done = 0
        for part in parts:
            solver = self.solver(part.name, part.basis, part.config, model, settings)
            weights = self._solved(part, solver, done / max(total, 1), total, watch)
            solved.append((part, solver.value, weights))
            done += len(part.sides.value)
        key = tuple(
            (weights.version, part.config.multipliers, part.config.offsets)
            for part, _, weights in solved
        )
        return self._kept.get(
            "weights", (key, settings.clamp_weights),
            lambda: tuple(
                finish(solver, part.config, weights.value, settings.clamp_weights)
                for part, solver, weights in solved
            ),
        ).value  # fmt: skip

    def solver(
        self, name: Part, basis: PoseBasis, config: SolveConfig, model: Model, settings: Settings
    ) -> Kept[Solver]:
        """The prepared solver of a rig. Multipliers and offsets come after the solve."""
        config = replace(config, multipliers=(), offsets=())
        return self._kept.get(
            f"{name}_solve", (_who(model), config, settings.sdk_compatible),
            lambda: prepare(basis, config, settings.sdk_compatible),
        )  # fmt: skip

    def _solved(
        self, part: _Part, solver: Kept[Solver], begun: float, total: int, watch: Watch
    ) -> Kept[Doubles]:
        sides = part.sides.value

        def work() -> Doubles:
            state: SolveState | None = None
            blocks = [np.zeros((0, len(solver.value.active)))]
            for first in range(0, len(sides), _BLOCK):
                block, state = solve(solver.value, sides[first : first + _BLOCK], state)
                blocks.append(block)
                share = begun + (first + len(block)) / total
                watch.tell(AT_SOLVE + (0.99 - AT_SOLVE) * share, _SOLVE)
            return np.concatenate(blocks)

        key = (part.sides.version, solver.version)
        return self._kept.get(f"{part.name}_weights", key, work)


def rig_configs(model: Model, settings: Settings, rigs: RigOverrides) -> dict[Part, SolveConfig]:
    """Solver settings of the rigs that a model has. Raises UserError as ``config_for``."""
    configs: dict[Part, SolveConfig] = {}
    if model.skin_rig is not None:
        configs["skin"] = config_for(model.skin_rig, "skin", settings, rigs.skin)
    if model.tongue_rig is not None:
        configs["tongue"] = config_for(model.tongue_rig, "tongue", settings, rigs.tongue)
    return configs


def products_key(model: Model, motion: Kept[Motion], settings: Settings) -> Hashable:
    """What tells one stage "skin_products" from another: the shapes, and the face mask alone."""
    mask = (settings.face_mask_level, settings.face_mask_softness)
    return (_shapes_key(model, motion), *mask)


def _who(model: Model) -> Hashable:
    return model.sha256, model.identity_index


def _shapes_key(model: Model, motion: Kept[Motion]) -> Hashable:
    """What tells one set of shapes from another: the model's own, or those of this motion."""
    own = motion.value.shapes is None
    return _who(model) if own else motion.version

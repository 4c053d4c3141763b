# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages between what the network says and the face: each a plain function of blocks.

``prepare_face`` works out what does not change from frame to frame, ``face_block`` goes over some
frames with an explicit state; blocks cut anywhere give the same face as the whole, to the bit. The
stages stand on their own as well, so that ``workbench`` can redo just one of them.

Only weights are wanted here, so no vertex is ever moved: all between coefficients and the solve's
right sides is linear and stands in one small matrix per rig (``solve.projection``). Vertices are
had from ``skin_vertices`` and ``tongue_vertices``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from ..arrays import Doubles, Floats
from ..models.model import Model, SolveConfig
from ..motion import Motion, MotionShapes, shapes_of
from ..parameters import Settings
from ..postprocess.blink import blink_track
from ..postprocess.eyes import eye_angles
from ..postprocess.jaw import jaw_motion
from ..postprocess.saccades import saccade_table
from ..postprocess.skin import SmoothingState, skin_blocks, skin_controls, smooth
from ..postprocess.tongue import tongue_blocks, tongue_controls
from ..solve.basis import PoseBasis, pose_basis
from ..solve.blendshape import (
    Solver,
    SolveState,
    WeightTrack,
    finish,
    prepare,
    solve_frames,
)
from ..solve.pose_table import RigOverrides, config_for
from ..solve.projection import (
    Projection,
    project,
    region_products,
    skin_projection,
    tongue_products,
    tongue_projection,
)
from .track import FaceTrack, assemble


@dataclass(frozen=True)
class PreparedRig:
    """One rig, ready: from controls to right sides (``projection``) to weights (``solver``)."""

    projection: Projection
    solver: Solver
    config: SolveConfig


@dataclass(frozen=True)
class PreparedFace:
    """What does not change from frame to frame. ``skin`` or ``tongue`` is None without a rig."""

    model: Model
    settings: Settings
    skin: PreparedRig | None
    tongue: PreparedRig | None


@dataclass(frozen=True)
class FaceState:
    """Carried from block to block: the number of the next frame, filters and last weights."""

    frame: int = 0
    smoothing: SmoothingState | None = None
    skin: SolveState | None = None
    tongue: SolveState | None = None


@dataclass(frozen=True)
class FaceBases:
    """What the rigs of a model give to the solve; once per model. None without a rig."""

    skin: PoseBasis | None
    tongue: PoseBasis | None


def face_bases(model: Model) -> FaceBases:
    """Read the rigs of a model."""
    return FaceBases(
        None if model.skin_rig is None else pose_basis(model.skin_rig),
        None if model.tongue_rig is None else pose_basis(model.tongue_rig),
    )


def prepare_face(
    model: Model,
    shapes: MotionShapes,
    settings: Settings,
    rigs: RigOverrides,
    bases: FaceBases | None = None,
) -> PreparedFace:
    """Work out everything that all frames share.

    ``shapes`` are those of the motion; when a motion that goes on has got more of them, prepare
    again and go on with the same state. ``bases`` spares reading the rigs again.
    Raises UserError when a rig and its pose table do not fit or cannot be solved.
    """
    bases = bases or face_bases(model)
    data, compatible = model.data, settings.sdk_compatible
    skin = tongue = None
    if model.skin_rig is not None and bases.skin is not None:
        config = config_for(model.skin_rig, "skin", settings, rigs.skin)
        products = region_products(data, shapes.skin, bases.skin, settings)
        skin = PreparedRig(
            skin_projection(products, data, bases.skin, settings),
            prepare(bases.skin, config, compatible),
            config,
        )
    if model.tongue_rig is not None and bases.tongue is not None:
        config = config_for(model.tongue_rig, "tongue", settings, rigs.tongue)
        tongue = PreparedRig(
            tongue_projection(
                tongue_products(shapes.tongue, bases.tongue), data, bases.tongue, settings
            ),
            prepare(bases.tongue, config, compatible),
            config,
        )
    return PreparedFace(model, settings, skin, tongue)


def skin_sides(
    projection: Projection,
    coefficients: Floats,
    blink: Doubles,
    fps: Fraction,
    settings: Settings,
    state: SmoothingState | None,
) -> tuple[Doubles, SmoothingState | None]:
    """Right sides (n, P) of the skin for coefficients (n, S), and the smoother's state."""
    controls = skin_controls(coefficients, blink, settings)
    smoothed, state = smooth(controls, fps, settings, state)
    return project(projection, smoothed.reshape(len(smoothed), -1)), state


def tongue_sides(projection: Projection, coefficients: Floats, settings: Settings) -> Doubles:
    """Right sides (n, P) of the tongue for coefficients (n, Tt)."""
    return project(projection, tongue_controls(coefficients, settings))


def face_eyes(model: Model, motion: Motion, settings: Settings, first: int = 0) -> Floats:
    """Angles (n, 2, 2) of the eyes; ``first`` is the number of the motion's first frame."""
    table = saccade_table(model.data, settings)
    return eye_angles(motion.eyes, table, motion.fps, settings, first)


def face_block(
    prepared: PreparedFace, motion: Motion, blink: Doubles, state: FaceState | None = None
) -> tuple[FaceTrack, FaceState]:
    """The face of the next frames, at the motion's own rate, and the state after them.

    ``motion`` holds those frames only, ``blink`` (n,) their closing of the lids, 0..1 (see
    ``blink_track``). Feed blocks one after the other with the state returned last.
    """
    state = state or FaceState()
    settings = prepared.settings
    tracks: list[tuple[WeightTrack, SolveConfig]] = []
    smoothing, skin_state, tongue_state = state.smoothing, state.skin, state.tongue
    if prepared.skin is not None:
        sides, smoothing = skin_sides(
            prepared.skin.projection, motion.skin, blink, motion.fps, settings, smoothing
        )
        track, skin_state = _weights(prepared.skin, sides, settings, skin_state)
        tracks.append((track, prepared.skin.config))
    if prepared.tongue is not None:
        sides = tongue_sides(prepared.tongue.projection, motion.tongue, settings)
        track, tongue_state = _weights(prepared.tongue, sides, settings, tongue_state)
        tracks.append((track, prepared.tongue.config))
    face = assemble(
        tracks,
        jaw_motion(prepared.model.data.jaw_neutral, motion.jaw, settings),
        face_eyes(prepared.model, motion, settings, state.frame),
        motion.fps,
        float(motion.frame_count / motion.fps),
        clamp=settings.clamp_weights,
        jaw_neutral=prepared.model.data.jaw_neutral,
    )
    frame = state.frame + motion.frame_count
    return face, replace(
        state, frame=frame, smoothing=smoothing, skin=skin_state, tongue=tongue_state
    )


def whole_face(
    model: Model, motion: Motion, settings: Settings, rigs: RigOverrides | None = None
) -> FaceTrack:
    """The face of a whole motion at its own rate, in one go. Raises UserError."""
    prepared = prepare_face(model, shapes_of(model, motion), settings, rigs or RigOverrides())
    blink = blink_track(motion.frame_count, motion.fps, model.data.blink_profile, settings)
    return face_block(prepared, motion, blink)[0]


def _weights(
    rig: PreparedRig, sides: Doubles, settings: Settings, state: SolveState | None
) -> tuple[WeightTrack, SolveState]:
    weights, state = solve_frames(rig.solver, sides, state)
    return finish(rig.solver, rig.config, weights, settings.clamp_weights), state


def skin_vertices(model: Model, motion: Motion, settings: Settings) -> Iterator[Floats]:
    """Yield the skin's vertices (n, V, 3) float32 of a whole motion, block by block, n <= 128.

    At the motion's rate (``motion.at_rate`` changes it), with the blinks of a take.
    """
    blink = blink_track(motion.frame_count, motion.fps, model.data.blink_profile, settings)
    shapes = shapes_of(model, motion).skin
    return skin_blocks(model.data, shapes, motion.skin, blink, motion.fps, settings)


def tongue_vertices(model: Model, motion: Motion, settings: Settings) -> Iterator[Floats]:
    """Yield the tongue's vertices (n, Vt, 3) float32 of a motion, block by block, n <= 128."""
    return tongue_blocks(model.data, shapes_of(model, motion).tongue, motion.tongue, settings)


def missing_rigs(model: Model) -> tuple[str, ...]:
    """A sentence for each rig that the model does not have."""
    notices: list[str] = []
    if model.skin_rig is None:
        notices.append(f"The model {model.name} has no poses for the skin; only jaw and eyes move.")
    if model.tongue_rig is None:
        notices.append(f"The model {model.name} has no poses for the tongue.")
    return tuple(notices)

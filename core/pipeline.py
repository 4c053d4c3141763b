# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path from a voice to the animation of a face.

voice -> clip -> windows -> network -> motion -> skin, tongue, jaw, eyes -> solve -> face track.
The same voice, settings, model and libraries give the same face, bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Doubles
from .audio import Voice, read_voice
from .emotion import constant
from .errors import Cancelled
from .face_track import FaceTrack, assemble
from .models import BlendShapeRig, Model, ModelData, SolveConfig, load_model, settings_for
from .network import Motion, open_session, run_network
from .parameters import Settings
from .postprocess.blink import blink_track
from .postprocess.eyes import eye_angles
from .postprocess.jaw import jaw_motion
from .postprocess.skin import SmoothingState, skin_controls, smooth
from .postprocess.tongue import tongue_controls
from .solve.blendshape import Solver, SolveState, WeightTrack, finish, prepare, solve_frames
from .solve.projection import Projection, project, skin_projection, tongue_projection
from .windows import exact_fps, plan_windows

Progress = Callable[[float, str], None]
Check = Callable[[], bool]

# Share of the work done before each stage
_AT_MODEL, _AT_VOICE, _AT_NETWORK, _AT_FACE, _AT_SOLVE = 0.0, 0.03, 0.06, 0.85, 0.87
_BLOCK = 1_024  # frames between two looks at what the caller wishes


@dataclass(frozen=True)
class Take:
    """A face's animation with everything needed to make it again.

    ``timings`` seconds per stage; everything else follows from voice, model and settings alone.
    """

    face: FaceTrack
    motion: Motion
    voice_name: str
    voice_sha256: str
    model_name: str
    model_sha256: str
    settings: Settings
    timings: Mapping[str, float]


@dataclass(frozen=True)
class LoadedModel:
    """A model and its opened network, to be kept for the next take."""

    model: Model
    session: Any


@dataclass
class _Watch:
    """The caller's wishes during a run: progress out, cancel in, time per stage."""

    progress: Progress | None = None
    cancelled: Check | None = None
    timings: dict[str, float] = field(default_factory=dict)
    reached: float = 0.0

    def tell(self, share: float, text: str) -> None:
        if self.cancelled is not None and self.cancelled():
            raise Cancelled
        self.reached = max(self.reached, min(share, 1.0))
        if self.progress is not None:
            self.progress(self.reached, text)

    @contextmanager
    def stage(self, name: str, share: float, text: str) -> Iterator[None]:
        self.tell(share, text)
        begin = time.perf_counter()
        yield
        self.timings[name] = time.perf_counter() - begin


def open_model(model_folder: str | Path, threads: int = 0) -> LoadedModel:
    """Read a model folder and open its network. Raises UserError."""
    model = load_model(model_folder)
    return LoadedModel(model, open_session(model, threads))


def animate(
    voice: Voice,
    model_folder: str | Path,
    fps: Fraction,
    settings: Mapping[str, object],
    progress: Progress | None = None,
    cancelled: Check | None = None,
    threads: int = 0,
    loaded: LoadedModel | None = None,
) -> Take:
    """Animate a face from a voice.

    ``settings`` holds the user's values by parameter name; the model's and the table's stand for
    the others. ``progress(share, text)`` is called with 0..1, ``cancelled()`` is asked between
    blocks. ``threads`` 0 takes up to four. ``loaded`` spares opening the model again.
    Raises UserError (one clear sentence) and Cancelled.
    """
    watch = _Watch(progress, cancelled)
    rate = exact_fps(fps)
    with watch.stage("model", _AT_MODEL, "Opening the model"):
        opened = loaded or open_model(model_folder, threads)
        model = opened.model
        values = settings_for(model, settings)
    with watch.stage("voice", _AT_VOICE, "Reading the voice"):
        clip = read_voice(voice, lambda: watch.tell(_AT_VOICE, "Reading the voice"))
    info = model.info
    plan = plan_windows(
        len(clip.samples), rate, info.window_length, info.target_offset, values.prediction_delay
    )
    with watch.stage("network", _AT_NETWORK, "Listening to the voice"):
        motion = run_network(
            opened.session,
            model,
            clip,
            plan,
            constant(values.emotion(info.emotions)),
            values,
            lambda share: watch.tell(
                _AT_NETWORK + share * (_AT_FACE - _AT_NETWORK), "Listening to the voice"
            ),
            cancelled,
        )
    face = face_from_motion(model, motion, values, clip.duration_s, clip.notices, watch)
    watch.tell(1.0, "Done")
    return Take(
        face=face,
        motion=motion,
        voice_name=clip.name,
        voice_sha256=clip.sha256,
        model_name=model.name,
        model_sha256=model.sha256,
        settings=values,
        timings=watch.timings,
    )


def face_from_motion(
    model: Model,
    motion: Motion,
    settings: Settings,
    duration_s: float,
    notices: tuple[str, ...] = (),
    watch: _Watch | None = None,
) -> FaceTrack:
    """Everything after the network: post-processing and solve. Raises UserError and Cancelled."""
    watch = watch or _Watch()
    data, fps = model.data, motion.fps
    with watch.stage("postprocess", _AT_FACE, "Shaping the face"):
        jaw = jaw_motion(data.jaw_neutral, motion.jaw, settings)
        eyes = eye_angles(motion.eyes, data.saccades, fps, settings)
    tracks: list[tuple[WeightTrack, SolveConfig]] = []
    with watch.stage("solve", _AT_SOLVE, "Finding the weights"):
        if model.skin_rig is not None:
            solver = prepare(model.skin_rig, settings.sdk_compatible)
            shortcut = skin_projection(data, settings, solver)
            blocks = _skin_controls(data, motion, settings)
            track = _solve(solver, shortcut, blocks, motion.frame_count, settings, watch)
            tracks.append((track, model.skin_rig.config))
        if model.tongue_rig is not None:
            solver = prepare(model.tongue_rig, settings.sdk_compatible)
            shortcut = tongue_projection(data, settings, solver)
            blocks = iter([tongue_controls(motion.tongue, settings)])
            track = _solve(solver, shortcut, blocks, motion.frame_count, settings, watch)
            tracks.append((track, model.tongue_rig.config))
    missing = _missing(model.skin_rig, model.tongue_rig, model.name)
    return assemble(tracks, jaw, eyes, fps, duration_s, notices + missing, settings.clamp_weights)


def _skin_controls(data: ModelData, motion: Motion, settings: Settings) -> Iterator[Doubles]:
    """Smoothed controls of both regions side by side (n, 2 (S + 2)), block by block."""
    blink = blink_track(motion.frame_count, motion.fps, data.blink_profile, settings)
    state: SmoothingState | None = None
    for first in range(0, motion.frame_count, _BLOCK):
        part = slice(first, first + _BLOCK)
        controls = skin_controls(motion.skin[part], blink[part], settings)
        smoothed, state = smooth(controls, motion.fps, settings, state)
        yield smoothed.reshape(len(smoothed), -1)


def _solve(
    solver: Solver,
    shortcut: Projection,
    blocks: Iterator[Doubles],
    count: int,
    settings: Settings,
    watch: _Watch,
) -> WeightTrack:
    state: SolveState | None = None
    weights = [np.zeros((0, len(solver.active)))]
    done = 0
    for controls in blocks:
        block, state = solve_frames(solver, project(shortcut, controls), state)
        weights.append(block)
        done += len(block)
        watch.tell(_AT_SOLVE + (0.99 - _AT_SOLVE) * done / count, "Finding the weights")
    return finish(solver, np.concatenate(weights), settings.clamp_weights)


def _missing(
    skin: BlendShapeRig | None, tongue: BlendShapeRig | None, name: str
) -> tuple[str, ...]:
    notices: list[str] = []
    if skin is None:
        notices.append(f"The model {name} has no poses for the skin; only jaw and eyes move.")
    if tongue is None:
        notices.append(f"The model {name} has no poses for the tongue.")
    return tuple(notices)

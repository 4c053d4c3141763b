# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways from coefficients to weights, and their steps, in microseconds per frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from facewright.core.face.stages import (
    PreparedFace,
    face_bases,
    face_block,
    skin_vertices,
    tongue_vertices,
)
from facewright.core.motion import Motion, part_of
from facewright.core.postprocess.blink import blink_track
from facewright.core.postprocess.eyes import eye_angles
from facewright.core.postprocess.jaw import jaw_motion
from facewright.core.postprocess.saccades import saccade_table
from facewright.core.postprocess.skin import skin_controls, smooth
from facewright.core.postprocess.tongue import tongue_controls
from facewright.core.solve.basis import sides_of
from facewright.core.solve.blendshape import finish, solve_frames
from facewright.core.solve.projection import project

LONG_FRAMES = 128
ROUNDS = 3


def _us(work: Callable[[], Any], frames: int) -> tuple[float, Any]:
    """Median microseconds per frame of a few rounds, and the last result."""
    times, result = [], None
    for _ in range(ROUNDS):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return 1e6 * float(np.median(times)) / frames, result


def _blink(prepared: PreparedFace, motion: Motion) -> np.ndarray:
    profile = prepared.model.data.blink_profile
    blink: np.ndarray = blink_track(motion.frame_count, motion.fps, profile, prepared.settings)
    return blink


def one_by_one(prepared: PreparedFace, motion: Motion) -> dict[str, float]:
    """Each stage after the network."""
    settings, data, count = prepared.settings, prepared.model.data, motion.frame_count
    skin, tongue = prepared.skin, prepared.tongue
    assert skin is not None
    assert tongue is not None
    blink_us, blink = _us(lambda: _blink(prepared, motion), count)
    controls_us, controls = _us(lambda: skin_controls(motion.skin, blink, settings), count)
    smooth_us, smoothed = _us(lambda: smooth(controls, motion.fps, settings)[0], count)
    flat = smoothed.reshape(count, -1)
    project_us, sides = _us(lambda: project(skin.projection, flat), count)
    solve_us, _ = _us(lambda: solve_frames(skin.solver, sides), count)

    def whole_tongue() -> Any:
        sides = project(tongue.projection, tongue_controls(motion.tongue, settings))
        return solve_frames(tongue.solver, sides)

    def rigid() -> Any:
        table = saccade_table(data, settings)
        return (
            jaw_motion(data.jaw_neutral, motion.jaw, settings),
            eye_angles(motion.eyes, table, motion.fps, settings, 0),
        )

    stages = {
        "skin_controls": blink_us + controls_us,
        "skin_smoothing": smooth_us,
        "skin_projection": project_us,
        "skin_solve": solve_us,
        "tongue": _us(whole_tongue, count)[0],
        "teeth_and_eyes": _us(rigid, count)[0],
    }
    stages["after_network"] = sum(stages.values())
    return {f"{name}_hz": 1e6 / value for name, value in stages.items()} | {
        f"{name}_us": value for name, value in stages.items()
    }


def solve_only(prepared: PreparedFace, count: int) -> float:
    """The skin's solve where all poses in use come and go: right sides of wandering weights."""
    assert prepared.skin is not None
    solver = prepared.skin.solver
    rng = np.random.default_rng(3)
    times = np.arange(count)[:, None] / 60.0
    rates, phases = rng.uniform(0.3, 4.0, (2, len(solver.active)))
    wandering = 0.8 * np.sin(2 * np.pi * rates * times + phases)  # half of them below 0
    sides = np.zeros((count, len(solver.names)))
    sides[:, solver.active] = wandering @ solver.matrix
    return _us(lambda: solve_frames(solver, sides), count)[0]


def cheap(prepared: PreparedFace, motion: Motion) -> float:
    """The way that the product takes: one small matrix stands for all vertices."""
    blink = _blink(prepared, motion)
    return _us(lambda: face_block(prepared, motion, blink), motion.frame_count)[0]


def long(prepared: PreparedFace, motion: Motion) -> tuple[float, float]:
    """The way over all vertices: microseconds, and how far its weights are from the cheap way's."""
    motion = part_of(motion, 0, LONG_FRAMES)
    bases = face_bases(prepared.model)
    blink = _blink(prepared, motion)

    def whole() -> np.ndarray:
        tracks = []
        for rig, basis, frames in (
            (prepared.skin, bases.skin, skin_vertices),
            (prepared.tongue, bases.tongue, tongue_vertices),
        ):
            assert rig is not None
            assert basis is not None
            blocks = frames(prepared.model, motion, prepared.settings)
            sides = np.concatenate([sides_of(basis, block) for block in blocks])
            weights, _ = solve_frames(rig.solver, sides)
            tracks.append(finish(rig.solver, rig.config, weights).values)
        return np.concatenate(tracks, axis=1)

    long_us, weights = _us(whole, motion.frame_count)
    face = face_block(prepared, motion, blink)[0]
    solved = [not name.startswith("eyeLook") for name in face.names]  # those follow the angles
    return long_us, float(np.abs(face.weights - weights)[:, solved].max())

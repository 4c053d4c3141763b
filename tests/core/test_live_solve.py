# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames one at a time, as Blender's own process solves them: with numpy alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from conversion_meshes import overlapping, posed, wanted
from facewright.core.errors import UserError
from facewright.core.solve import conversion
from facewright.core.solve.conversion import ConversionSettings
from facewright.core.solve.live import live_frame, live_solve
from facewright.core.solve.pose_table import PoseTable

TABLE = PoseTable(
    active={"pose9": False}, cancel={"pose0": 0, "pose1": 0}, symmetry={"pose2": 0, "pose3": 0},
    multipliers={"pose4": 2.0}, offsets={"pose9": 0.25},
)  # fmt: skip


def read(frames=60):
    basis, neutral, deltas = overlapping()
    faces = posed(neutral, deltas, wanted(frames, 12))
    faces += np.random.default_rng(0).normal(0, 0.1, faces.shape)
    return basis, conversion.sides_of(basis, faces), conversion.energies_of(basis, faces)


@pytest.mark.parametrize("smoothing", ["causal", "sdk"])
@pytest.mark.parametrize("temporal", [0.0, 0.3])
def test_frame_by_frame_equals_the_clip(smoothing, temporal):
    basis, sides, energies = read()
    settings = ConversionSettings(0.3, temporal, 1.0, 1.0, 20.0, smoothing, TABLE)
    clip = conversion.convert(basis, sides, energies, settings)
    live = live_solve(basis, settings)
    state = live.start()
    for side, energy, weights, residual in zip(
        sides, energies, clip.weights, clip.residuals, strict=True
    ):
        frame = live_frame(live, side, energy, state)
        state = frame.state
        np.testing.assert_allclose(frame.weights, weights, atol=1e-7)  # float32 both
        assert frame.residual == pytest.approx(residual, rel=1e-9)


def test_the_weights_before_rounding_agree_to_a_billionth():
    from facewright.core.solve.blendshape import prepare, solve_frames

    basis, sides, _ = read(200)
    for smoothing in ("causal", "sdk"):
        settings = ConversionSettings(0.3, 0.3, 1.0, 1.0, 20.0, smoothing, TABLE)
        config = conversion.config_of(basis, settings)
        solver = prepare(basis, config, smoothing == "sdk")
        expected, _ = solve_frames(solver, sides)
        found, _ = solve_frames(solver, sides, library="numpy")
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_after_a_jump_the_face_has_long_stood_still():
    basis, sides, energies = read(5)
    settings = ConversionSettings(0.3, 2.0, 1.0, 1.0, 20.0)
    still = conversion.convert(
        basis, np.repeat(sides[3:4], 3000, axis=0), np.repeat(energies[3:4], 3000), settings
    )
    found = live_frame(live_solve(basis, settings), sides[3], energies[3])
    np.testing.assert_allclose(found.weights, still.weights[1500], atol=1e-5)


def test_a_frame_without_finite_positions_is_said():
    basis, sides, _ = read(1)
    with pytest.raises(UserError, match="finite position"):
        live_frame(live_solve(basis, ConversionSettings()), sides[0], float("nan"))


def test_no_scipy_is_needed(root):
    code = f"""
import runpy, sys
sys.modules["scipy"] = None
runpy.run_path({str(root / "worker" / "bootstrap.py")!r})["load_package"]()
import numpy as np
from facewright.core.solve import conversion, solve_preset
from facewright.core.solve.live import live_frame, live_solve
rng = np.random.default_rng(0)
neutral, deltas = rng.normal(size=(30, 3)), rng.normal(size=(5, 30, 3))
basis = conversion.basis_of("abcde", neutral, deltas)
face = (neutral + 0.5 * deltas[0])[None]
side, energy = conversion.sides_of(basis, face)[0], conversion.energies_of(basis, face)[0]
for smoothing in conversion.SMOOTHINGS:
    live = live_solve(basis, conversion.ConversionSettings(0.0, 0.1, 0.0, smoothing=smoothing))
    frame = live_frame(live, side, energy)
    assert abs(frame.weights[0] - 0.5) < 0.1
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

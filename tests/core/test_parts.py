# SPDX-License-Identifier: GPL-3.0-or-later
"""Tongue, lower denture and eyes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from facewright.core import limits
from facewright.core.parameters import Settings
from facewright.core.postprocess import eyes, jaw, tongue


def rotation(rng):
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return turn * np.sign(np.linalg.det(turn))


# ---- tongue -------------------------------------------------------------------------------------


def test_tongue_is_neutral_plus_strength_times_motion_plus_offsets(model, monkeypatch):
    settings = Settings.from_mapping(
        {"tongue_strength": 2.0, "tongue_height_offset": 0.5, "tongue_depth_offset": -1.0}
    )
    values = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    monkeypatch.setattr(limits, "GEOMETRY_BLOCK", 4)
    found = np.concatenate(
        list(tongue.tongue_blocks(model.data, model.data.tongue_shapes, values, settings))
    )
    expected = model.data.tongue_neutral + [0, 0.5, -1.0] + 2.0 * np.einsum(
        "tk,kvx->tvx", values.astype(float), model.data.tongue_shapes.astype(float)
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32


# ---- lower denture ------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 5, 10])
def test_rigid_motions_are_recovered(count):
    rng = np.random.default_rng(count)
    neutral = rng.uniform(-10, 10, (count, 3))
    turns = np.array([rotation(rng) for _ in range(50)])
    shifts = rng.uniform(-10, 10, (50, 3))
    found = jaw.fit_rigid(neutral, np.einsum("txy,jy->tjx", turns, neutral) + shifts[:, None])
    np.testing.assert_allclose(found[:, :3, :3], turns, atol=1e-10)
    np.testing.assert_allclose(found[:, :3, 3], shifts, atol=1e-9)
    np.testing.assert_array_equal(found[:, 3], [[0, 0, 0, 1]] * 50)


def test_the_best_motion_is_a_rotation_even_for_mirrored_points():
    rng = np.random.default_rng(0)
    neutral = rng.normal(size=(5, 3))
    found = jaw.fit_rigid(neutral, np.array([neutral * [-1, 1, 1], rng.normal(size=(5, 3))]))
    np.testing.assert_allclose(np.linalg.det(found[:, :3, :3]), 1.0)


def test_no_nearby_rotation_fits_better():
    rng = np.random.default_rng(4)
    neutral, points = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    best = jaw.fit_rigid(neutral, points[None])[0]

    def error(turn):
        moved = (neutral - neutral.mean(0)) @ turn.T
        return ((moved - (points - points.mean(0))) ** 2).sum()

    for axis in np.eye(3):
        for angle in (-0.01, 0.01):
            cross = np.cross(np.eye(3), axis * angle)
            nudged = np.linalg.qr(np.eye(3) + cross)[0]
            nudged *= np.sign(np.diag(nudged))
            assert error(nudged @ best[:3, :3]) > error(best[:3, :3])


def test_strength_zero_is_identity_and_offsets_are_pure_shifts(model):
    deltas = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    still = Settings.from_mapping({"lower_teeth_strength": 0.0})
    np.testing.assert_allclose(
        jaw.jaw_motion(model.data.jaw_neutral, deltas, still), [np.eye(4)] * 4, atol=1e-6
    )
    moved = Settings.from_mapping(
        {"lower_teeth_strength": 0.0, "lower_teeth_height_offset": -0.5,
         "lower_teeth_depth_offset": 0.25}
    )  # fmt: skip
    found = jaw.jaw_motion(model.data.jaw_neutral, deltas, moved)
    np.testing.assert_allclose(found[:, :3, :3], [np.eye(3)] * 4, atol=1e-6)
    np.testing.assert_allclose(found[:, :3, 3], [[0, -0.5, 0.25]] * 4, atol=1e-6)


def test_strength_scales_the_motion_of_the_markers(model):
    shift = np.tile(np.array([1.0, -2.0, 0.5], np.float32), (1, 5, 1))
    found = jaw.jaw_motion(
        model.data.jaw_neutral, shift, Settings.from_mapping({"lower_teeth_strength": 1.5})
    )
    np.testing.assert_allclose(found[0, :3, 3], [1.5, -3.0, 0.75], atol=1e-5)


@pytest.mark.parametrize("neutral", [np.zeros((5, 3)), np.outer(np.arange(5), [1, 2, 3])])
def test_markers_that_leave_the_turn_open_only_shift(neutral):
    found = jaw.fit_rigid(neutral.astype(np.float32), neutral[None] + [0.0, 1.0, 2.0])
    np.testing.assert_allclose(found[0, :3, :3], np.eye(3))
    np.testing.assert_allclose(found[0, :3, 3], [0, 1, 2], atol=1e-9)


# ---- eyes ---------------------------------------------------------------------------------------


def test_angles_follow_the_published_formula():
    rng = np.random.default_rng(0)
    network = rng.normal(size=(90, 2, 2)).astype(np.float32)
    table = rng.normal(size=(40, 2)).astype(np.float32)
    settings = Settings.from_mapping(
        {"eyeballs_strength": 0.5, "saccade_strength": 1.5, "eye_saccade_seed": 33,
         "right_eye_rot_x_offset": 1.0, "right_eye_rot_y_offset": -2.0,
         "left_eye_rot_x_offset": 3.0, "left_eye_rot_y_offset": 4.0}
    )  # fmt: skip
    found = eyes.eye_angles(network, table, Fraction(60), settings)
    live_time = 0.0
    for frame in range(90):
        dart = 1.5 * table[int((33 + live_time) % 40)]
        np.testing.assert_allclose(
            found[frame, 0], [1, -2] + 0.5 * network[frame, 0] + dart, atol=1e-5
        )
        np.testing.assert_allclose(
            found[frame, 1], [3, 4] + 0.5 * network[frame, 1] + dart, atol=1e-5
        )
        live_time += 0.5  # dt * 30


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(24000, 1001), Fraction(30), Fraction(120)])
def test_the_table_of_darts_is_played_at_30_per_second_and_held(fps):
    found = eyes.saccade_rows(1000, fps, 4990, 5000)
    expected = [(4990 + (i * 30 * fps.denominator) // fps.numerator) % 5000 for i in range(1000)]
    assert found.tolist() == expected


def full(pitch_right, yaw_right, pitch_left, yaw_left):
    angles = np.array([[[pitch_right, yaw_right], [pitch_left, yaw_left]]], np.float32)
    weights = eyes.eye_look_weights(angles)
    return {name: float(w[0]) for name, w in weights.items() if w[0] > 0}


def test_eyes_that_look_to_the_characters_left_turn_one_in_and_one_out():
    found = full(0, 13.8, 0, 13.8)
    assert found == {"eyeLookInRight": pytest.approx(13.8 / 14.5), "eyeLookOutLeft": 1.0}
    assert set(full(0, -5, 0, -5)) == {"eyeLookOutRight", "eyeLookInLeft"}


def test_positive_pitch_looks_down():
    assert full(10.7, 0, 5.35, 0) == {
        "eyeLookDownRight": 1.0,
        "eyeLookDownLeft": pytest.approx(0.5),
    }
    assert full(-9.5, 0, -30, 0) == {"eyeLookUpRight": 1.0, "eyeLookUpLeft": 1.0}
    assert full(0, 0, 0, 0) == {}

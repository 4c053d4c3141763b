# SPDX-License-Identifier: GPL-3.0-or-later
"""What a conversion finds out about its input: its space, its rest, the frames that tell lips
apart; and which names are pairs. All against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.naming import ARKIT_NAMES, TONGUE_NAMES, mirrored_pairs, opposite_pairs
from facewright.core.retarget.apart import telling_frames
from facewright.core.retarget.spaces import between
from facewright.core.solve.basis import basis_of
from facewright.core.solve.neutral import explained, is_same_head, shift_between

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(400, 3)) * [0.1, 0.12, 0.15]
MOVES = np.exp(-((POINTS - RNG.normal(size=(6, 1, 3)) * 0.1) ** 2).sum(-1, keepdims=True) / 0.004)
MOVES = MOVES * RNG.normal(size=(6, 1, 3)) * 0.02


@pytest.fixture
def basis():
    return basis_of(tuple("abcdef"), POINTS, MOVES)


# ---- spaces

Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@pytest.mark.parametrize("scale", [1.0, 0.01, 100.0, 0.001])
@pytest.mark.parametrize("turn", [np.eye(3), Y_UP, Y_UP @ Y_UP])
def test_axes_and_units_are_found_exactly_although_the_face_has_an_expression(scale, turn):
    shown = POINTS + MOVES[:3].sum(axis=0)
    found = between(shown @ np.linalg.inv(scale * turn).T, POINTS)
    np.testing.assert_array_equal(found.turn, turn)
    assert found.scale == pytest.approx(scale, rel=1e-12)
    np.testing.assert_array_equal(found.shift, 0)


def test_a_head_of_ten_per_cent_more_is_no_other_unit_and_a_far_one_is_shifted():
    found = between(POINTS * 1.1, POINTS)
    assert found.scale == 1.0
    moved = POINTS + np.array([0.0, 1.7, 0.0])
    moved[:50] += 0.01  # an expression of a few vertices
    np.testing.assert_allclose(between(moved, POINTS).shift, [0.0, -1.7, 0.0], atol=1e-9)


def test_a_head_that_is_turned_by_some_angle_stays_so():
    angle = 0.7
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    np.testing.assert_allclose(between(POINTS @ turn, POINTS).turn, turn, atol=1e-9)


# ---- rest


def test_what_poses_make_is_the_same_head_and_other_forms_are_another(basis):
    shown = POINTS + np.einsum("p,pvx->vx", [0.3, 0.9, 0.0, 0.5, -0.2, 1.4], MOVES)
    assert explained(basis, shown) == pytest.approx(1.0)
    other = POINTS + RNG.normal(size=POINTS.shape) * 0.004
    assert explained(basis, other) < 0.1
    assert explained(basis, POINTS) == 1.0
    assert is_same_head(basis, shown)
    assert is_same_head(basis, shown + RNG.normal(size=POINTS.shape) * 1e-4)
    assert not is_same_head(basis, other)


def test_a_shift_is_told_from_an_expression(basis):
    shown = POINTS + MOVES[0] + 0.5 * MOVES[4]
    np.testing.assert_allclose(shift_between(basis, shown), 0, atol=1e-9)
    np.testing.assert_allclose(
        shift_between(basis, shown + np.array([0.1, -2, 3])), [0.1, -2, 3], rtol=1e-9
    )


# ---- frames


def test_the_frames_that_differ_most_are_chosen():
    moves = np.zeros((6, 10, 3))
    moves[2, 0, 0] = 1.0  # the mouth
    moves[3, 0, 0] = 0.95  # nearly the same
    moves[5, 7, 1] = 0.5  # a lid
    assert telling_frames(moves, 2) == (2, 5)
    assert telling_frames(moves, 3)[:2] == (2, 5)
    assert telling_frames(np.zeros((4, 10, 3))) == ()


# ---- names


def test_halves_are_symmetric_and_ways_exclude_each_other():
    def named(pairs, names):
        return {(names[a], names[b]) for a, b in pairs}

    mirrored = named(mirrored_pairs(ARKIT_NAMES), ARKIT_NAMES)
    assert ("eyeBlinkLeft", "eyeBlinkRight") in mirrored
    gazes = {("eyeLookInLeft", "eyeLookOutRight"), ("eyeLookOutLeft", "eyeLookInRight")}
    assert gazes < mirrored
    assert all(a.replace("Left", "Right") == b for a, b in mirrored - gazes)
    assert not {"jawLeft", "mouthLeft"} & {a for a, _ in mirrored}
    assert named(opposite_pairs(ARKIT_NAMES), ARKIT_NAMES) == {
        ("jawLeft", "jawRight"),
        ("mouthLeft", "mouthRight"),
    }
    assert mirrored_pairs(TONGUE_NAMES) == ()
    own = ("Smile.R", "Smile.L", "L_brow", "R_brow", "left", "jaw_l", "blink_L")
    assert named(mirrored_pairs(own), own) == {("Smile.L", "Smile.R"), ("L_brow", "R_brow")}

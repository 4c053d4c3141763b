# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap: exact at rest, carried along rigidly, and cut off by distance."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget import wrap
from facewright.core.retarget.pairs import SurfacePoints

from .retarget_faces import ball, turn


@pytest.fixture(scope="module")
def driver():
    return ball(300)


@pytest.fixture(scope="module")
def feet(driver):
    dice = np.random.default_rng(3)
    corners = driver.triangles[dice.integers(0, len(driver.triangles), 50)]
    return SurfacePoints.of(corners, dice.dirichlet([1, 1, 1], 50))


@pytest.fixture(scope="module")
def rest(driver, feet):
    return feet.on(driver.points) + np.random.default_rng(4).normal(0, 0.1, (50, 3))


@pytest.mark.parametrize("tangent", [True, False])
def test_nothing_moves_at_rest(driver, feet, rest, tangent):
    made = wrap.wrapped(feet, rest, driver.points, driver.normals, tangent=tangent)
    assert made(driver.points, driver.normals) == pytest.approx(rest, abs=1e-12)


def test_a_turned_face_turns_the_offsets_in_tangent_space(driver, feet, rest):
    made = wrap.wrapped(feet, rest, driver.points, driver.normals)
    about = turn()
    moved = made(driver.points @ about.T + [1, 2, 3], driver.normals @ about.T)
    assert moved == pytest.approx(rest @ about.T + [1, 2, 3], abs=1e-12)


def test_object_space_keeps_the_offsets_as_they_are(driver, feet, rest):
    made = wrap.wrapped(feet, rest, driver.points, driver.normals, tangent=False)
    about = turn()
    moved = made(driver.points @ about.T, driver.normals @ about.T)
    expected = feet.on(driver.points) @ about.T + rest - feet.on(driver.points)
    assert moved == pytest.approx(expected, abs=1e-12)


def test_weights_say_how_far_a_point_follows(driver, feet, rest):
    weights = np.linspace(0, 1, 50)
    made = wrap.wrapped(feet, rest, driver.points, driver.normals, weights=weights)
    moves = made.moves(driver.points + np.array([0, 0, 2]), driver.normals)
    assert moves == pytest.approx(weights[:, None] * [0, 0, 2], abs=1e-12)


def test_frames_are_right_handed_and_square(driver, feet):
    frames = wrap.frames(feet, driver.points, driver.normals)
    assert frames.transpose(0, 2, 1) @ frames == pytest.approx(
        np.broadcast_to(np.eye(3), frames.shape), abs=1e-12
    )
    assert np.linalg.det(frames) == pytest.approx(np.ones(50))


def test_the_greatest_distance_cuts_hard_unless_feathered():
    distances = np.array([0.0, 0.89, 0.95, 1.0, 1.01])
    assert wrap.within(distances, 1.0).tolist() == [1, 1, 1, 1, 0]
    soft = wrap.within(distances, 1.0, wrap.FEATHER)
    assert soft == pytest.approx([1, 1, 0.5, 0, 0])


def test_a_flat_wrap_rests_and_turns_with_its_triangles(driver, feet, rest):
    below, offsets = wrap.flattened(feet, rest, driver.points)
    assert below.shares.sum(axis=1) == pytest.approx(np.ones(50))
    assert (below.shares < 0).any()  # a foot may lie beside its triangle
    assert not offsets[:, :2].any()
    made = wrap.wrapped(below, rest, driver.points, None)
    assert made.offsets == pytest.approx(offsets, abs=1e-12)
    assert made(driver.points, None) == pytest.approx(rest, abs=1e-12)
    about = turn()
    moved = made(driver.points @ about.T + [1, 2, 3], None)
    assert moved == pytest.approx(rest @ about.T + [1, 2, 3], abs=1e-12)


def test_a_flat_wrap_on_a_line_keeps_its_foot():
    points = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0.0]])
    feet = SurfacePoints.of([[0, 1, 2]], [[0.5, 0.5, 0]])
    below, offsets = wrap.flattened(feet, np.array([[0.5, 0.3, 0]]), points)
    assert below.shares == pytest.approx(feet.shares)
    assert not offsets.any()

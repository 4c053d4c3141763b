# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver's whole geometry on the fitted mesh, against its shape keys and against closed forms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from facewright.core.face.track import FaceTrack
from facewright.core.head import load_head
from facewright.core.retarget.carrying import carrying_mover
from facewright.core.retarget.contacts import Meetings
from facewright.core.retarget.landmarks import skin_mesh
from facewright.core.retarget.transfer import transfer

from .retarget_faces import turn

_SAME = np.eye(3)
_NAMES = ("eyeBlinkLeft", "jawOpen", "mouthClose", "browInnerUp")


@pytest.fixture(scope="module")
def head(root):
    return load_head(root / "assets" / "head.npz")


@pytest.fixture(scope="module")
def driver(head):
    return skin_mesh(head)


@pytest.fixture(scope="module")
def moves(head):
    rows = [head.skin.shape_names.index(name) for name in _NAMES]
    return head.skin.shapes[rows].astype(np.float64)


@pytest.fixture(scope="module")
def fitted(driver):
    """A smoothly other face, in which lids would not meet by the derivatives alone."""
    points = driver.points
    wider = points + [0, 0.15, 0] * np.sin(points[..., [1]] * 3)  # around the eyes, too
    return 0.01 * wider * (1 + 0.12 * np.sin(points[..., [1, 2, 0]] / 6))


@pytest.fixture(scope="module")
def fitted_moves(driver, moves, fitted):
    return transfer(driver, moves, fitted, _NAMES)


def face_of(weights):
    count = len(weights)
    return FaceTrack(
        ("browInnerUp", "eyeBlinkLeft", "jawOpen", "mouthClose"),
        np.asarray(weights, np.float32),
        np.tile(np.eye(4, dtype=np.float32), (count, 1, 1)),
        np.zeros((count, 2, 2), np.float32),
        Fraction(30),
        count / 30,
    )


def mover_of(driver, moves, fitted, fitted_moves, weights, lead=_SAME, to_fitted=_SAME):
    rest = fitted @ to_fitted.T
    return carrying_mover(
        lead, driver, _NAMES, moves, fitted, fitted_moves, to_fitted, rest, face_of(weights)
    )


def test_where_the_geometry_is_of_expressions_the_shape_keys_result(
    driver, moves, fitted, fitted_moves
):
    weights = np.random.default_rng(0).uniform(0, 1, (5, 4))
    own = weights[:, [1, 2, 3, 0]]  # in the driver's order of names
    frames = np.einsum("tp,pvi->tvi", own, moves).astype(np.float32)
    mover = mover_of(driver, moves, fitted, fitted_moves, weights)
    expected = fitted + np.einsum("tp,pvi->tvi", own, fitted_moves)
    found = np.concatenate([mover.frames(frames[:2], 0), mover.frames(frames[2:], 2)])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_the_weights_do_not_tell_comes_over_by_the_derivatives(driver, moves):
    about = turn()
    fitted = 0.01 * driver.points @ about.T
    extra = np.random.default_rng(1).normal(0, 0.2, (3, *driver.points.shape)).astype(np.float32)
    mover = mover_of(driver, moves, fitted, 0.01 * moves @ about.T, np.zeros((3, 4)))
    expected = fitted + 0.01 * extra @ about.T
    np.testing.assert_allclose(mover.frames(extra, 0), expected, atol=1e-6)


def test_other_spaces_of_model_and_fitted_mesh(driver, moves, fitted, fitted_moves):
    lead, to_fitted = 2.0 * turn(), 100.0 * turn(0.1, 0.2, 0.3)
    weights = np.random.default_rng(0).uniform(0, 1, (2, 4))
    own = weights[:, [1, 2, 3, 0]]
    frames = np.einsum("tp,pvi->tvi", own, moves) @ np.linalg.inv(lead).T
    mover = mover_of(driver, moves, fitted, fitted_moves, weights, lead, to_fitted)
    expected = (fitted + np.einsum("tp,pvi->tvi", own, fitted_moves)) @ to_fitted.T
    np.testing.assert_allclose(mover.frames(frames.astype(np.float32), 0), expected, atol=1e-4)


def test_lids_close_as_far_as_by_shape_keys(driver, moves, fitted, fitted_moves):
    """A blink with some motion beside it that no weight tells."""
    pairs = Meetings(driver).pairs(moves[0])
    beside = 0.02 * np.sin(driver.points / 5)  # cm
    frames = (moves[0] + beside)[None].astype(np.float32)
    with_weights = mover_of(driver, moves, fitted, fitted_moves, [[0, 1, 0, 0]]).frames(frames, 0)
    without = mover_of(driver, moves, fitted, fitted_moves, [[0, 0, 0, 0]]).frames(frames, 0)

    def off(points):
        """How far the gaps, along what closes, are from the driver's."""
        own, wished = (each[pairs[:, 0], 1] - each[pairs[:, 1], 1] for each in (points, closed))
        return np.abs(own - 0.01 * wished).mean()

    closed = driver.points + moves[0]
    keys = off(fitted + fitted_moves[0])
    assert off(with_weights[0]) == pytest.approx(keys, rel=0.1)
    assert off(without[0]) > 1.25 * keys  # what the derivatives alone would leave open

# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower teeth by the jaw's weights: as each shape alone says, and in the middle in between."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget.rigid import motion
from facewright.core.solve.jaw import jaw_of_weights

PIVOT = np.array([0.0, -3.0, 2.0])
OPEN = np.array([[0.3, 0.0, 0.0], [0.0, -0.5, -0.2]])
LEFT = np.array([[0.0, 0.1, 0.05], [0.4, 0.0, 0.0]])
MOTIONS = {"jawOpen": OPEN, "jawLeft": LEFT}
NAMES = ("mouthClose", "jawOpen", "jawLeft")


@pytest.mark.parametrize(("place", "moves"), [(1, OPEN), (2, LEFT)])
@pytest.mark.parametrize("weight", [1.0, 0.5, -0.25])
def test_a_shape_alone_moves_the_teeth_as_the_head_says(place, moves, weight):
    weights = np.zeros((1, 3))
    weights[0, place] = weight
    wanted = motion(weight * moves[0], weight * moves[1], PIVOT)
    np.testing.assert_allclose(
        jaw_of_weights(NAMES, weights, PIVOT, MOTIONS)[0], wanted, atol=1e-12
    )


def test_other_poses_and_rest_move_nothing():
    weights = np.array([[0.0, 0.0, 0.0], [0.9, 0.0, 0.0]])
    found = jaw_of_weights(NAMES, weights, PIVOT, MOTIONS)
    np.testing.assert_array_equal(found, np.tile(np.eye(4), (2, 1, 1)))


def test_several_shapes_keep_the_teeth_rigid():
    found = jaw_of_weights(NAMES, np.random.default_rng(3).random((9, 3)), PIVOT, MOTIONS)
    turns = found[:, :3, :3]
    np.testing.assert_allclose(
        turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (9, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(turns), 1.0)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The transfer, against closed forms: the same head, a head of another size, place and turn."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.head import load_head
from facewright.core.retarget.contacts import Meetings, spared
from facewright.core.retarget.extent import face_size
from facewright.core.retarget.landmarks import skin_mesh
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.opening import opening_of
from facewright.core.retarget.transfer import jacobians, transfer

from .retarget_faces import ball, turn

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


def test_the_driver_itself_gets_its_own_shapes(driver, moves):
    assert transfer(driver, moves, driver.points, _NAMES) == pytest.approx(moves, abs=1e-9)


def test_a_head_of_other_size_place_and_turn_gets_the_shapes_so(driver, moves):
    about = turn()
    fitted = 0.01 * driver.points @ about.T + [5, -3, 2]
    found = transfer(driver, moves, fitted, _NAMES)
    assert found == pytest.approx(0.01 * moves @ about.T, abs=1e-8)


def test_the_derivative_of_an_affine_map_is_found():
    sphere = ball(2000)
    matrix = turn() @ np.diag([1.2, 0.9, 1.0])
    found = jacobians(sphere.points, sphere.points @ matrix.T, 0.5)
    assert found == pytest.approx(np.broadcast_to(matrix, found.shape), abs=0.05)


def test_a_smooth_warp_moves_the_shapes_as_its_derivative_says(driver, moves):
    def warp(points):
        return points * (1 + 0.1 * np.sin(points[..., [1, 2, 0]] / 12))

    fitted = warp(driver.points)
    small = 1e-3 * moves[[1, 3]]
    wanted = (warp(driver.points + small) - fitted) * 1e3
    found = transfer(driver, moves, fitted, _NAMES)[[1, 3]]
    off = np.sqrt(((found - wanted) ** 2).sum() / (wanted**2).sum())
    assert off < 0.02


def test_larger_eyes_close_as_well_as_the_drivers(driver, moves, head):
    centre = head.eye_centres[1].astype(np.float64)
    away = driver.points - centre
    near = np.exp(-((away**2).sum(axis=1) / 2.2**2))[:, None]
    fitted = driver.points + 0.6 * near * away
    pairs = Meetings(driver).pairs(moves[0])
    found = transfer(driver, moves, fitted, _NAMES)[0]

    def ratio(points, move):
        rest = points[pairs[:, 0]] - points[pairs[:, 1]]
        closed = rest + move[pairs[:, 0]] - move[pairs[:, 1]]
        return np.linalg.norm(closed, axis=1).mean() / np.linalg.norm(rest, axis=1).mean()

    assert len(pairs) > 20
    assert abs(ratio(fitted, found) - ratio(driver.points, moves[0])) < 0.01


def test_an_open_jaw_with_mouth_close_brings_the_lips_together(driver, moves, head):
    fitted = driver.points * [1.25, 0.9, 1.1] + 0.3 * np.sin(driver.points[:, [1, 2, 0]] / 3)
    found = transfer(driver, moves, fitted, _NAMES)
    upper = head.landmarks["inner_upper_lip"].ravel()
    lower = head.landmarks["inner_lower_lip"].ravel()

    def gap(points):
        far = points[upper][:, None] - points[lower][None]
        return np.linalg.norm(far, axis=2).min(axis=1).mean()

    rest = gap(fitted)
    assert gap(fitted + found[1]) > 5 * rest
    assert gap(fitted + found[1] + found[2]) < 1.05 * rest


def test_lids_and_lips_are_spared_from_smoothing_and_the_brow_is_not(driver, moves, head):
    weights = spared(driver, moves, _NAMES)
    assert weights[head.landmarks["upper_lid_edge_left"]].max() < 0.3
    assert weights[head.landmarks["inner_lower_lip"]].max() < 0.3
    assert weights[head.landmarks["chin"]].min() > 0.99


def test_a_body_below_the_head_changes_nothing(driver, moves):
    body = ball(400).points * [30.0, 60, 15] - [0, 90, 0]
    whole = Mesh.of(np.concatenate([driver.points, body]), driver.triangles)
    still = np.zeros((len(moves), len(body), 3))
    both = np.concatenate([moves, still], axis=1)
    stretch = np.array([1.2, 1.0, 0.9])
    fitted = whole.points * (1 + 0.05 * np.sin(whole.points[:, [1, 2, 0]] / 9)) * stretch
    count = len(driver.points)
    found = transfer(whole, both, fitted, _NAMES)
    alone = transfer(driver, moves, fitted[:count], _NAMES)
    assert face_size(whole.points, both) == face_size(driver.points, moves)
    off = np.sqrt(((found[:, :count] - alone) ** 2).sum() / (alone**2).sum())
    assert off < 0.02
    assert not found[:, count:].any()


def test_a_target_modelled_with_its_mouth_open_moves_as_the_opened_driver(driver, moves):
    rest = driver.points + 0.4 * moves[1]
    assert opening_of(driver, moves[1], 3 * rest @ turn().T) == pytest.approx(0.4, abs=0.05)
    assert opening_of(driver, moves[1], 3 * driver.points @ turn().T) == 0
    found = transfer(driver, moves, 3 * rest @ turn().T, _NAMES)
    off = found - 3 * moves @ turn().T
    assert np.sqrt((off**2).sum() / (moves**2).sum()) < 0.3 * 0.1

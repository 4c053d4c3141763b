# SPDX-License-Identifier: GPL-3.0-or-later
"""The warp through the pairs, the mouth's opening, and the plane of symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.benchmarks.retarget_truth.makehuman import SHAPES, driver
from facewright.benchmarks.retarget_truth.warp import SCALE, warp
from facewright.core.head import OPEN_MOUTH_AMOUNT
from facewright.core.retarget.alignment import opening, warped
from facewright.core.retarget.mirroring import both_sides, refined
from facewright.core.retarget.pairs import similarity
from facewright.core.retarget.surface import Surface
from facewright.core.retarget.symmetry import symmetry_plane


@pytest.fixture(scope="module")
def picked():
    """The driver's landmarks on the closed and on the open mouth."""
    own = driver()
    there = list(own.landmarks.values())
    return own.mesh.points[there], own.opened[there]


def test_an_affine_change_is_carried_exactly():
    dice = np.random.default_rng(1)
    source, points = dice.normal(size=(20, 3)), dice.normal(size=(50, 3)) * 3
    matrix, shift = dice.normal(size=(3, 3)), dice.normal(size=3)
    assert np.allclose(warped(source, source @ matrix + shift, points), points @ matrix + shift)


def test_pairs_are_met_nearly():
    """All but the small part that the ridge leaves to the surface."""
    dice = np.random.default_rng(2)
    source = dice.normal(size=(30, 3))
    goal = source + 0.1 * dice.normal(size=(30, 3))
    off = np.linalg.norm(warped(source, goal, source) - goal, axis=1)
    assert off.mean() < 0.1 * np.linalg.norm(goal - source, axis=1).mean()


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6, 1.0])
@pytest.mark.parametrize("noise_cm", [0.0, 0.05])
def test_the_opening_of_another_size_of_head(picked, share, noise_cm):
    closed, opened = picked
    dice = np.random.default_rng(3)
    target = closed + share * (opened - closed) + noise_cm * dice.normal(size=closed.shape)
    turn = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    found = opening(closed, opened, 40 * target @ turn.T + 5)
    assert found == pytest.approx(share, abs=0.03)


def test_a_longer_chin_is_no_open_mouth(picked):
    """The lips touch, so the mouth is shut, whatever the chin does."""
    closed, opened = picked
    target = closed.copy()
    target[list(driver().landmarks).index("chin")] += 0.6 * (opened - closed)[0]
    assert opening(closed, opened, target) == 0.0


def test_the_opening_without_lips_among_the_pairs(picked):
    """The chin alone tells it then."""
    closed, opened = picked
    kept = [at for at, name in enumerate(driver().landmarks) if "lip" not in name]
    target = closed + 0.5 * (opened - closed)
    assert opening(closed[kept], opened[kept], target[kept]) == pytest.approx(0.5, abs=0.02)
    assert opening(closed[kept], opened[kept], closed[kept]) == 0.0


def test_the_openmouth_mesh_is_what_the_truth_says():
    own = driver()
    moved = own.shapes[SHAPES.index("jawOpen")]
    assert np.allclose(own.opened - own.mesh.points, OPEN_MOUTH_AMOUNT * moved)


def test_the_plane_of_a_turned_head_is_found():
    """WARP turns the symmetric driver, so its plane is where the turn takes x = 0."""
    truth = warp()
    here, there = truth.pairs(12, 1.0)
    move = similarity(here.on(truth.driver.mesh.points), there.on(truth.target.points))
    guess = symmetry_plane(truth.driver.mesh).after(move)
    plane = refined(Surface(truth.target), guess, there.on(truth.target.points))
    middle = np.abs(truth.driver.mesh.points[:, 0]) < 1e-6
    assert plane is not None and middle.sum() > 50
    assert np.abs(plane.away(truth.goal[middle])).max() < 0.02 * SCALE  # 0.2 mm on the driver


def test_pairs_count_on_both_sides_only_of_symmetric_heads():
    truth = warp()
    here, there = truth.pairs(20, 0.0)
    own, other = Surface(truth.driver.mesh), Surface(truth.target)
    move = similarity(here.on(truth.driver.mesh.points), there.on(truth.target.points))
    both = both_sides(own, other, (here, there), move)
    assert [len(each) for each in both] == [40, 40]
    twins = both[0].on(truth.driver.mesh.points)
    assert np.allclose(twins[20:], twins[:20] * [-1, 1, 1], atol=1e-3)
    # Where the driver's mirrored pairs belong on the target, the target's mirrored pairs are
    right = both[0].on(truth.goal)
    assert np.linalg.norm(right - both[1].on(truth.target.points), axis=1).max() < 0.01 * SCALE
    side = truth.target.points @ np.array([0.97, 0.0, 0.25])
    swollen = truth.target.points * (1 + 0.05 * (side > np.median(side)))[:, None]
    lopsided = Surface(truth.target.moved_to(swollen))
    assert both_sides(own, lopsided, (here, there), move)[0] is here

# SPDX-License-Identifier: GPL-3.0-or-later
"""The truths that tests and benchmarks compare with are true."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.benchmarks.retarget_truth.makehuman import HEIGHT_CM, POINT_SETS, SHAPES
from facewright.benchmarks.retarget_truth.soma import soma
from facewright.benchmarks.retarget_truth.truth import dense, shuffled
from facewright.benchmarks.retarget_truth.warp import warp
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.pairs import similarity
from facewright.tools.head.soma import walked


def test_the_default_body_is_the_base_mesh_with_another_identity():
    """A wrong walk over the faces would put vertices anywhere; a right one bends the head a bit."""
    truth = soma()
    assert truth.mapped.all()
    own = truth.driver.mesh.points
    off = np.linalg.norm(similarity(own, truth.goal)(own) - truth.goal, axis=1)
    assert off.mean() < 0.3 and off.max() < 1.2  # cm
    edges = truth.driver.mesh.edges
    here, there = (
        np.linalg.norm(p[edges[:, 0]] - p[edges[:, 1]], axis=1) for p in (own, truth.goal)
    )
    assert np.quantile(there / here, 0.999) < 2


def test_walking_two_lists_of_faces():
    """The part lacks the second and the last face and has one of its own between."""
    whole = np.array([[0, 1, 2, 3], [2, 3, 4, 5], [3, 6, 7, 2], [7, 8, 9, 6], [9, 1, 0, 8]])
    part = np.array([[0, 1, 2, 3], [3, 4, 5, 2], [0, 10, 11, 12], [5, 6, 7, 4]])
    assert walked(whole, part).tolist() == [0, 1, 2, 3, 6, 7, 8, 9, -1, -1, -1, -1, -1]


@pytest.mark.parametrize("make", [soma, warp])
def test_what_is_right_has_no_error_and_what_is_wrong_has(make):
    truth = make()
    assert max(truth.fit_errors(truth.goal).values()) == 0
    off = truth.goal + np.array([0.01 * HEIGHT_CM * truth.size, 0, 0])
    assert truth.fit_errors(off) == pytest.approx({"face": 1.0, "lips": 1.0, "lids": 1.0})
    assert max(truth.transfer_errors(truth.wanted).values()) == 0
    assert truth.transfer_errors(0.9 * truth.wanted)["face"] == pytest.approx(10.0)
    still = 0 * truth.wanted
    assert truth.glued(truth.wanted) == 0 < truth.glued(still)
    own = truth.driver
    assert truth.blink_ratio(own.mesh.points, own.shapes) < 0.4
    assert truth.lip_ratio(own.mesh.points, own.shapes) < 1.2
    open_only = own.shapes.copy()
    open_only[SHAPES.index("mouthClose")] = 0
    assert truth.lip_ratio(own.mesh.points, open_only) > 4


@pytest.mark.parametrize("make", [soma, warp])
@pytest.mark.parametrize("count", list(POINT_SETS))
def test_pairs_lie_where_they_belong_and_noise_has_its_size(make, count):
    truth = make()
    here, exact = truth.pairs(count)
    assert len(here) == len(exact) == count
    goal = here.on(truth.goal)
    surface_gap = 0.1 * truth.size  # the second topology cuts some corners
    assert np.linalg.norm(exact.on(truth.target.points) - goal, axis=1).max() < surface_gap
    noisy = [truth.pairs(count, 1.0, seed)[1].on(truth.target.points) for seed in range(4)]
    away = np.linalg.norm(np.array(noisy) - exact.on(truth.target.points), axis=2)
    # Of three directions of 1 mm each, the two along the surface are left
    assert np.sqrt((away**2).mean()) == pytest.approx(0.1 * np.sqrt(2) * truth.size, rel=0.25)


def test_shuffling_changes_nothing_but_numbers():
    mesh = warp().driver.mesh
    other, old = shuffled(mesh, 4)
    assert np.array_equal(other.points, mesh.points[old])
    assert not np.array_equal(other.triangles, mesh.triangles)
    back = np.sort(old[other.triangles], axis=1)
    same = np.sort(mesh.triangles, axis=1)
    assert np.array_equal(back[np.lexsort(back.T)], same[np.lexsort(same.T)])
    assert np.allclose(other.normals, mesh.normals[old])


def test_dense_meshes_are_the_same_surface():
    mesh = Mesh.of([[0, 0, 0], [1, 0, 0], [1, 1, 1], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])
    more, values = dense(mesh, 123, mesh.points @ np.ones((3, 1)))
    assert len(more.points) == 123
    area = np.linalg.norm(mesh.crossed, axis=1).sum()
    assert np.linalg.norm(more.crossed, axis=1).sum() == pytest.approx(area)
    assert np.allclose(values, more.points @ np.ones((3, 1)))
    assert len(more.boundary) == 4 * 8  # halved three times, middles only inside

# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes and pairs of which no fit can be made: one sentence each, that says what to change."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.benchmarks.retarget_truth.makehuman import LANDMARKS
from facewright.benchmarks.retarget_truth.soma import soma
from facewright.core.errors import UserError
from facewright.core.retarget.fitting import fit
from facewright.core.retarget.fitting_checks import suspicious
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.pairs import SurfacePoints

NAMES = list(LANDMARKS)


@pytest.fixture(scope="module")
def truth():
    return soma()


@pytest.fixture(scope="module")
def pairs(truth):
    return truth.pairs(31, 1.0)


def refused(truth, here, there, target=None, opened=None):
    """The sentence."""
    own = truth.driver
    with pytest.raises(UserError) as caught:
        fit(own.mesh, own.opened if opened is None else opened, target or truth.target, here, there)
    assert caught.value.hint
    return str(caught.value)


def some(points, which):
    return SurfacePoints.of(points.corners[which], points.shares[which])


def test_too_few_pairs(truth, pairs):
    eleven = [some(each, slice(11)) for each in pairs]
    assert "11 pairs of points, and fitting needs at least 12" in refused(truth, *eleven)


def test_pairs_in_one_place_on_a_line_and_around_the_mouth_only(truth, pairs):
    here, there = pairs
    said = refused(truth, here, some(there, [0] * 31))
    assert "close together on the target mesh" in said
    mouth = [row for row, name in enumerate(NAMES) if "lip" in name or "mouth" in name] * 2
    said = refused(truth, some(here, mouth), some(there, mouth))
    assert "close together on the driver mesh" in said
    middle = [NAMES.index(name) for name in ("chin", "crown")] * 6
    assert "one line" in refused(truth, some(here, middle), some(there, middle))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("eye_outer_left", "eye_outer_right"),
        ("mouth_corner_left", "mouth_corner_right"),
        ("nose_wing_left", "nose_wing_right"),
        ("eye_inner_left", "eye_inner_right"),
        ("chin", "nose_tip"),
    ],
)
def test_two_exchanged_pairs_are_named(truth, pairs, one, other):
    rows = np.arange(31)
    a, b = sorted((NAMES.index(one), NAMES.index(other)))
    rows[[a, b]] = b, a
    said = refused(truth, pairs[0], some(pairs[1], rows))
    assert f"pairs {a + 1} and {b + 1} look exchanged" in said


def test_left_and_right_of_the_whole_face_exchanged(truth, pairs):
    rows = np.arange(31)
    for row, name in enumerate(NAMES):
        for mine, theirs in (("_left", "_right"), ("_right", "_left")):
            if name.endswith(mine):
                rows[row] = NAMES.index(name.removesuffix(mine) + theirs)
    said = refused(truth, pairs[0], some(pairs[1], rows))
    assert said.startswith("Left and right are exchanged in all pairs.")


def test_one_pair_that_cannot_be_meant(truth, pairs):
    here, there = pairs
    corners, shares = there.corners.copy(), there.shares.copy()
    back = int(truth.target.points[:, 2].argmin())
    corners[7], shares[7] = back, [1, 0, 0]
    said = refused(truth, here, SurfacePoints.of(corners, shares))
    assert said.startswith("Pair 8 is not where the other pairs put it.")


def test_sloppy_pairs_are_told_only(truth, pairs):
    """Two centimetres off on a face of twelve: told, but fitted."""
    here, there = (each.on(mesh.points) for each, mesh in zip(pairs, _meshes(truth), strict=True))
    assert suspicious(here, there) == ()
    there[NAMES.index("chin")] += [0, -3.0, 0]
    assert suspicious(here, there) == ("Pair 1 is far from where the other pairs put it.",)
    kept = slice(12)
    assert "only 12 pairs" in suspicious(here[kept], there[kept])[0]


def test_meshes_that_cannot_be(truth, pairs):
    target, (here, there) = truth.target, pairs
    points = target.points.copy()
    points[7, 1] = np.nan
    assert "Vertex 7 of the target mesh" in refused(truth, here, there, target.moved_to(points))
    assert "no faces" in refused(truth, here, there, Mesh.of(target.points, np.zeros((0, 3))))
    assert "one place" in refused(truth, here, there, target.moved_to(0 * target.points))
    few = Mesh.of(target.points[:50], [[0, 1, 2], [3, 4, 5]])
    assert "another target mesh" in refused(truth, here, there, few)
    said = refused(truth, here, there, opened=truth.driver.opened[:-1])
    assert "The OpenMouth mesh has 4341 vertices, the driver 4342." in said


def _meshes(truth):
    return truth.driver.mesh, truth.target


def test_pairs_are_told_by_their_names():
    here = np.random.default_rng(5).normal(size=(24, 3)) * 10
    there = here.copy()
    there[3] += [0, 9, 0]
    names = [f"Point {chr(65 + each)}" for each in range(24)]
    assert suspicious(here, there, names) == (
        "Pair 'Point D' is far from where the other pairs put it.",
    )

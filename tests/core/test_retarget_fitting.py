# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh fitting, against heads whose right fit is known, and against what users bring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from facewright.benchmarks.retarget_truth.makehuman import LANDMARKS, SHAPES
from facewright.benchmarks.retarget_truth.soma import soma
from facewright.benchmarks.retarget_truth.truth import picked
from facewright.benchmarks.retarget_truth.warp import warp
from facewright.core.errors import Cancelled
from facewright.core.retarget.fitting import FitSettings, fit
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.pairs import SurfacePoints
from facewright.core.retarget.surface import Surface
from facewright.core.watch import Watch

from . import retarget_targets as targets
from .retarget_faces import ball

NAMES = list(LANDMARKS)
QUICK = FitSettings(iterations=1)


def fitted(truth, pairs, target=None, settings=None, watch=None):
    own = truth.driver
    here, there = pairs
    return fit(own.mesh, own.opened, target or truth.target, here, there, settings, watch)


@pytest.fixture(scope="module")
def truth():
    return soma()


@pytest.fixture(scope="module")
def pairs(truth):
    return truth.pairs(31, 0.5)


@pytest.fixture(scope="module")
def quick_fit(truth, pairs):
    """A quick fit, to compare with."""
    return fitted(truth, pairs, settings=QUICK)


@pytest.fixture(scope="module")
def quick(quick_fit):
    """Its points."""
    return quick_fit.points


@pytest.mark.parametrize(
    ("make", "count", "bars"),
    [
        (soma, 31, {"face": 0.40, "lips": 0.22, "lids": 0.30}),
        (soma, 12, {"face": 0.45, "lips": 0.25, "lids": 0.35}),
        (warp, 31, {"face": 0.30, "lips": 0.16, "lids": 0.20}),
    ],
)
def test_the_fit_is_as_near_as_the_best_of_the_benchmarks(make, count, bars, report):
    """In percent of the head's height, with 0.5 mm of noise on the pairs."""
    truth = make()
    errors = truth.fit_errors(fitted(truth, truth.pairs(count, 0.5)).points)
    shown = ", ".join(f"{name} {value:.2f}" for name, value in errors.items())
    report(f"fit {truth.name}, {count} pairs, 0.5 mm: {shown} % of the head's height")
    assert not {name: value for name, value in errors.items() if value > bars[name]}


def test_an_open_mouth_is_found_and_fitted(truth, pairs):
    """Lips of a target that is at rest with an open mouth, as near as those of a closed one."""
    at, own = SHAPES.index("jawOpen"), truth.driver
    opened = replace(
        truth,
        target=truth.target.moved_to(truth.target.points + 0.48 * truth.wanted[at]),
        goal=truth.goal + 0.48 * own.shapes[at],
    )
    found = fitted(opened, opened.pairs(31, 0.5), settings=QUICK)
    assert found.opening == pytest.approx(0.6, abs=0.1)  # OpenMouth is jawOpen 0.8
    assert opened.fit_errors(found.points)["lips"] < 0.25


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_size_place_and_turn_change_nothing(truth, pairs, quick_fit, scale):
    target = truth.target.moved_to(targets.placed(truth.target.points, scale))
    found = fitted(truth, pairs, target, QUICK)
    assert np.abs(targets.unplaced(found.points, scale) - quick_fit.points).max() < 0.02
    assert np.allclose(found.residuals / scale, quick_fit.residuals)
    assert found.similarity.scale == pytest.approx(scale * quick_fit.similarity.scale)


def test_a_surface_split_at_all_edges_is_one_surface(truth, pairs, quick):
    soup, there = targets.split_at_every_edge(truth.target, pairs[1])
    assert np.allclose(fitted(truth, (pairs[0], there), soup, QUICK).points, quick, atol=0.01)


def test_faces_inside_out_are_turned_and_told(truth, pairs, quick):
    inside_out = Mesh.of(truth.target.points, truth.target.triangles[:, ::-1])
    found = fitted(truth, pairs, inside_out, QUICK)
    assert np.allclose(found.points, quick, atol=0.01)
    assert found.inward.all() and "inwards" in found.notices[0]


def test_a_head_in_the_mirror(truth, pairs):
    """As a negative scale makes it: inside out, and its left where its right was."""
    swap = [NAMES.index(_other_side(name)) for name in NAMES]
    there = SurfacePoints.of(pairs[1].corners[swap], pairs[1].shares[swap])
    target = truth.target.moved_to(truth.target.points * [-1, 1, 1])
    found = fitted(truth, (pairs[0], there), target, QUICK)
    assert found.inward.all()
    assert max(truth.fit_errors(found.points).values()) < 0.6  # the head is symmetric


def test_teeth_and_eyes_in_the_mesh_attract_nothing(truth, pairs, quick):
    landmarks = truth.driver.landmarks
    eyes = [
        truth.goal[[landmarks[f"eye_{end}_{side}"] for end in ("inner", "outer")]].mean(axis=0)
        for side in ("left", "right")
    ]
    teeth = truth.goal[landmarks["upper_lip_inner"]]
    centres = [each - np.array([0, 0, 1.2]) for each in [*eyes, teeth]]
    target = targets.with_teeth_and_eyes(truth.target, centres)
    assert np.allclose(fitted(truth, pairs, target, QUICK).points, quick, atol=0.01)


def test_flat_triangles_and_fins_do_little_harm(truth, pairs):
    target = targets.with_bad_triangles(truth.target)
    errors = truth.fit_errors(fitted(truth, pairs, target, QUICK).points)
    assert errors["face"] < 0.55 and errors["lips"] < 0.35


def test_a_coarse_head_of_some_600_vertices(truth, pairs):
    """Lips and lids are merged there, so only the face as a whole can be asked for."""
    target = targets.coarse(truth.target, 1.65)
    assert 500 < len(target.points) < 800
    normals = Mesh.of(truth.goal, truth.driver.mesh.triangles).normals
    there = picked(target, pairs[1].on(truth.target.points), normals[pairs[0].corners[:, 0]])
    found = fitted(truth, (pairs[0], there), target, QUICK)
    assert truth.fit_errors(found.points)["face"] < 2.0


def test_large_eyes_and_no_nose():
    """A cartoon: eyes that reach twice as far, and a flat face where the nose was."""
    own = warp().driver
    nose = own.mesh.points[own.landmarks["nose_tip"]] - [0, 0.3, 0.6]

    def drawn(points):
        out = np.array(points)
        for side in (1, -1):
            away = points - np.array([3.1 * side, 3.8, 9.3])
            near = np.exp(-((away**2).sum(axis=1) / 2.4**2))
            out += near[:, None] * away * [0.8, 1.0, 0.4]
        away = (points - nose) / [2.2, 2.6, 2.4]
        out[:, 2] -= 2.2 * np.exp(-(away**2).sum(axis=1))
        return out

    cartoon = replace(
        warp(),
        target=Mesh.of(drawn(own.mesh.points), own.mesh.triangles),
        goal=drawn(own.mesh.points),
        size=1.0,
    )
    found = fitted(cartoon, cartoon.pairs(31, 0.5))
    errors = cartoon.fit_errors(found.points)
    assert errors["face"] < 0.55 and errors["lips"] < 0.25 and errors["lids"] < 0.5
    assert any("Pair 3 is far" in each for each in found.notices)  # the tip of the nose


def test_a_body_below_the_driver_changes_little(truth, pairs, quick):
    own = truth.driver
    body = ball(400).points * [30.0, 60, 15] - [0, 90, 0]
    triangles = np.vstack([own.mesh.triangles, ball(400).triangles + len(own.opened)])
    whole = Mesh.of(np.vstack([own.mesh.points, body]), triangles)
    opened = np.vstack([own.opened, body])
    found = fit(whole, opened, truth.target, pairs[0], pairs[1], QUICK)
    assert np.abs(found.points[: len(quick)] - quick).max() < 0.1


def test_iterations_and_stiffness_do_what_they_say(truth, pairs, quick):
    """More iterations come nearer to what is right, less stiffness nearer to the surface."""
    twice = fitted(truth, pairs, settings=FitSettings(iterations=2)).points
    assert truth.fit_errors(twice)["face"] < 0.9 * truth.fit_errors(quick)["face"]
    stiff = fitted(truth, pairs, settings=FitSettings(1, 1e4)).points
    front = truth.driver.regions()["face"]
    surface = Surface(truth.target)
    near, far = (surface.closest(each[front]).distances.mean() for each in (quick, stiff))
    assert near < 0.6 * far


def test_progress_rises_and_a_fit_can_be_cancelled(truth, pairs):
    told = []
    fitted(truth, pairs, settings=QUICK, watch=Watch(lambda share, text: told.append(share)))
    assert told == sorted(told) and told[0] == 0.0 and told[-1] == 1.0 and len(told) > 4
    with pytest.raises(Cancelled):
        fitted(truth, pairs, watch=Watch(cancelled=lambda: len(told) > 0))


def test_the_same_twice(truth, pairs, quick):
    assert np.array_equal(fitted(truth, pairs, settings=QUICK).points, quick)


def _other_side(name):
    ends = {"_left": "_right", "_right": "_left"}
    return next((name.removesuffix(a) + b for a, b in ends.items() if name.endswith(a)), name)

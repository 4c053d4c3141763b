# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth Level: constants stay, noise goes, and the live form does what the offline one does."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget import smoothing
from facewright.core.retarget.mesh import Mesh

from .retarget_faces import ball, sheet


@pytest.fixture(scope="module")
def mesh():
    return ball(500)


def test_level_0_changes_nothing(mesh):
    noise = np.random.default_rng(1).normal(size=(500, 3))
    assert (smoothing.Smoothing(mesh, 0)(noise) == noise).all()
    assert smoothing.blur_weight(0) == 0


def test_what_all_vertices_do_alike_stays(mesh):
    same = np.tile([1.0, -2.0, 3.0], (500, 1))
    weights = np.random.default_rng(2).uniform(0.1, 1, 500)
    assert smoothing.Smoothing(mesh, 10, weights)(same) == pytest.approx(same)
    blurred = smoothing.blurred(same, mesh.edges, 0.2 * weights)
    assert blurred == pytest.approx(same)


def test_each_level_smooths_more(mesh):
    noise = np.random.default_rng(1).normal(size=(500, 3))
    left = [np.abs(smoothing.Smoothing(mesh, level)(noise)).mean() for level in range(11)]
    assert (np.diff(left) < 0).all()
    assert left[1] > 0.95 * left[0]  # level 1 keeps the details


def test_spared_places_keep_more_of_their_detail(mesh):
    noise = np.random.default_rng(1).normal(size=(500, 3))
    spared = np.where(mesh.points[:, 0] > 0, smoothing.SPARED, 1.0)
    lost = np.abs(smoothing.Smoothing(mesh, 6, spared)(noise) - noise).mean(axis=1)
    assert lost[mesh.points[:, 0] > 0.3].mean() < 0.5 * lost[mesh.points[:, 0] < -0.3].mean()


def test_a_level_outside_is_refused(mesh):
    with pytest.raises(ValueError, match="smooth level 11"):
        smoothing.Smoothing(mesh, 11)


def test_the_live_form_damps_a_wave_as_the_offline_form_does():
    # On a square grid cos(k x) cos(k y) is an eigenvector of both: its curvature is 1 - cos k.
    xs = np.arange(60.0)
    points, _ = sheet(xs, xs)
    quads = np.concatenate([np.stack([a, b], axis=1) for a, b in _grid_edges(60)])
    k = np.arccos(0.5)
    wave = (np.cos(k * points[:, 0]) * np.cos(k * points[:, 1]))[:, None] * np.ones(3)
    middle = (np.abs(points[:, :2] - 30) < 15).all(axis=1) & (np.abs(wave[:, 0]) > 0.2)
    for level in (1, 4, 8):
        step = smoothing.blurred(wave, quads, np.full(3600, smoothing.blur_weight(level)))
        rate = 2 * np.sqrt(3) * smoothing.diffusion(level)
        assert (step / wave)[middle] == pytest.approx(1 / (1 + rate / 2), rel=1e-6)


def _grid_edges(size):
    number = np.arange(size * size).reshape(size, size)
    yield number[:-1].ravel(), number[1:].ravel()
    yield number[:, :-1].ravel(), number[:, 1:].ravel()


def test_an_empty_surface_is_left_alone():
    lone = Mesh.of(np.eye(3), np.zeros((0, 3), int))
    assert (smoothing.Smoothing(lone, 5)(np.eye(3)) == np.eye(3)).all()


def test_weights_rise_from_spared_to_whole_between_near_and_far():
    found = smoothing.weights(np.array([0.0, 1.0, 2.0, 3.0, 9.0]), 1.0, 3.0)
    assert found == pytest.approx([0.1, 0.1, 0.55, 1, 1])

# SPDX-License-Identifier: GPL-3.0-or-later
"""The binding: lips that lie on each other are never glued, whatever mesh the target is."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget.binding import bind
from facewright.core.retarget.mesh import Mesh

from .retarget_faces import GAP, joined, lips, sheet


@pytest.fixture(scope="module")
def face():
    return lips()


@pytest.fixture(scope="module")
def target():
    """Other triangles, and the slit 3 gaps higher: the upper edge of the lower lip lies nearest to
    the upper lip."""
    xs = np.linspace(-1.5, 1.5, 44)
    upper = sheet(xs, 3 * GAP + np.linspace(GAP / 2, 1.3, 19))
    lower = sheet(xs, 3 * GAP - np.linspace(GAP / 2, 1.3, 23)[::-1])
    return joined(upper, lower), np.repeat([True, False], [44 * 19, 44 * 23])


def opened(face, binding):
    return np.einsum("nc,ncd->nd", binding.shares, face[1][binding.corners])


def test_no_vertex_hangs_on_the_other_lip(face, target):
    mesh, upper = target
    moved = opened(face, bind(face[0], face[1], mesh))
    assert not moved[upper].any()
    height = np.minimum(mesh.points[~upper, 1], -GAP / 2)
    wanted = -np.cos(np.pi * mesh.points[~upper, 0] / 3) * (1.5 + height) / 1.5
    assert moved[~upper, 1] == pytest.approx(wanted, abs=0.1)


def test_the_nearest_point_would_glue_here(face, target):
    mesh, upper = target
    moved = opened(face, bind(face[0], np.zeros_like(face[1]), mesh))
    assert not moved[~upper].any(axis=1).all()


def test_numbers_of_vertices_and_triangles_do_not_matter(face, target):
    mesh, _ = target
    dice = np.random.default_rng(5)
    old = dice.permutation(len(mesh.points))
    mixed = Mesh.of(mesh.points[old], dice.permutation(np.argsort(old)[mesh.triangles]))
    one, other = bind(face[0], face[1], mesh), bind(face[0], face[1], mixed)
    assert opened(face, other) == pytest.approx(opened(face, one)[old], abs=1e-9)


def test_a_surface_wound_inside_out_binds_as_well(face, target):
    mesh, upper = target
    moved = opened(face, bind(face[0], face[1], Mesh.of(mesh.points, mesh.triangles[:, ::-1])))
    assert not moved[upper].any() and moved[~upper].any(axis=1).mean() > 0.9


def test_on_the_driver_itself_every_vertex_finds_itself(face):
    mesh, opening = face
    binding = bind(mesh, opening, mesh)
    assert binding.distances == pytest.approx(np.zeros(len(mesh.points)), abs=1e-12)
    assert binding.weights == pytest.approx(np.ones(len(mesh.points)))
    assert opened(face, binding) == pytest.approx(opening, abs=1e-9)
    assert not len(binding.torn)


def test_split_seams_stay_closed_and_odd_parts_do_no_harm(face, target):
    mesh, _ = target
    soup = Mesh.of(
        np.concatenate([mesh.points[mesh.triangles].reshape(-1, 3), [[0, 0.5, 0.01]] * 2]),
        np.concatenate(
            [
                np.arange(3 * len(mesh.triangles)).reshape(-1, 3),
                [[0, 1, 2], [0, 1, 2], [5, 5, 6]],  # doubled, and flat
            ]
        ),
    )
    moved = opened(face, bind(face[0], face[1], soup))
    assert np.isfinite(moved).all()
    whole = opened(face, bind(face[0], face[1], mesh))
    assert moved[:-2] == pytest.approx(whole[mesh.triangles].reshape(-1, 3), abs=1e-6)


def test_parts_far_from_the_face_fade_out_without_a_step(face):
    mesh = joined(sheet(np.arange(-1.5, 1.55, 0.1), np.arange(-9, 1.45, 0.1)))
    binding = bind(face[0], face[1], mesh)
    heights = mesh.points[:, 1]
    assert binding.weights[heights > -1.4].min() == 1
    assert binding.weights[heights < -3].max() == 0
    for x in np.unique(mesh.points[:, 0]):
        column = binding.weights[mesh.points[:, 0] == x]
        assert np.abs(np.diff(column)).max() < 0.25


def test_sealed_lips_are_told(face):
    sealed = joined(sheet(np.arange(-1.5, 1.55, 0.1), np.arange(-1.4, 1.45, 0.07)))
    binding = bind(face[0], np.stack([np.zeros_like(face[1]), face[1]]), sealed)
    assert len(binding.torn) > 10
    assert (binding.torn_in == 1).all()
    assert np.abs(sealed.points[binding.torn][:, :, 1]).max() < 0.2


def test_vertices_without_triangles_are_bound_too(face):
    lone = Mesh.of(np.array([[0.0, 0.7, 0.01], [0.0, -0.7, 0.01]]), np.zeros((0, 3), int))
    moved = opened(face, bind(face[0], face[1], lone))
    assert not moved[0].any() and moved[1, 1] < -0.4

# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggested pairs: near the truth on heads of other shapes, turned, scaled and shuffled."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.benchmarks.retarget_truth.truth import shuffled
from facewright.core.errors import Cancelled, UserError
from facewright.core.retarget.finding import visible_samples
from facewright.core.retarget.landmarks import NAMES
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.pairs import similarity
from facewright.core.retarget.suggest import suggest
from facewright.core.watch import Watch

from .retarget_heads import driver, joined, sample, sample_skin


def errors(mesh, truth, found):
    """Distances (K,) from the truth in percent of the head's height from chin to crown."""
    own, landmarks = driver()
    spots = landmarks.points.on(own.points)
    crown, chin = (spots[NAMES.index(name)] for name in ("Crown", "Chin"))
    height = similarity(spots, truth).scale * (crown - chin)[1]
    return 100 * np.linalg.norm(found.points.on(mesh.points) - truth, axis=1) / height


def test_a_turned_and_shrunken_head_of_another_topology():
    own, landmarks = driver()
    mesh, truth = sample_skin()
    mesh, _ = shuffled(mesh, 1)
    random = np.random.default_rng(2)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    mesh = mesh.moved_to(0.01 * mesh.points @ turn.T + [3.0, -2.0, 1.0])
    truth = 0.01 * truth @ turn.T + [3.0, -2.0, 1.0]
    told = []
    watch = Watch(progress=lambda share, _text: told.append(share))
    found = suggest(own, landmarks, mesh, watch)
    off = errors(mesh, truth, found)
    assert found.names == landmarks.names
    assert np.median(off) < 1.2
    assert off[[name != "Crown" for name in NAMES]].max() < 3.5
    # What it is sure of is better than the rest.
    sure = found.confidence > 0.6
    assert sure.sum() > 8
    assert np.median(off[sure]) < np.median(off[~sure])
    assert told == sorted(told) and len(told) > 10


def test_a_head_with_hair_eyes_and_teeth_in_one_mesh():
    """Points are put on the skin, not on what hangs before it."""
    own, landmarks = driver()
    _, truth = sample_skin()
    mesh, names = joined(sample().parts)
    mesh, order = shuffled(mesh, 4)
    found = suggest(own, landmarks, mesh)
    off = errors(mesh, truth, found)
    assert np.median(off) < 1.2
    assert (names[order][found.points.corners] == "skin").all()


def test_large_eyes_and_no_nose():
    """Far from any human face it is less good, and says so."""
    own, landmarks = driver()
    mesh, truth = (toon(points) for points in (own.points, landmarks.points.on(own.points)))
    mesh, _ = shuffled(own.moved_to(mesh), 6)
    found = suggest(own, landmarks, mesh)
    off = errors(mesh, truth, found)
    assert np.median(off) < 2.5
    assert off.max() < 8
    assert (found.confidence[off > 3.5] < 0.4).all()


def toon(points):
    """Eyes 1.75 times as large, and the nose pressed flat."""
    moved = points.copy()
    nose = np.exp(-(((points - [0, 0, 11]) / [1.9, 2.2, 2.2]) ** 2).sum(axis=1))
    moved[:, 2] -= 1.9 * nose
    for side in (1, -1):
        away = points - [2.9 * side, 3.7, 8.0]
        near = np.exp(-((np.linalg.norm(away, axis=1) / 3.4) ** 4))
        moved += 0.75 * near[:, None] * away
    return moved


def grid(count=24):
    """A flat sheet."""
    x, y = np.meshgrid(np.arange(count), np.arange(count))
    first = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    triangles = np.stack([first, first + 1, first + count], axis=1)
    return Mesh.of(np.stack([x, y, 0 * x], axis=2).reshape(-1, 3), triangles)


@pytest.mark.parametrize("mesh", [grid(), Mesh.of(np.zeros((9, 3)), np.tile([0, 1, 2], (80, 1)))])
def test_where_no_head_is_a_sentence_says_so(mesh):
    own, landmarks = driver()
    with pytest.raises(UserError) as caught:
        suggest(own, landmarks, mesh)
    assert caught.value.hint == "Pick the pairs by hand."


def test_a_vertex_that_is_nowhere_is_named():
    own, landmarks = driver()
    points = own.points.copy()
    points[7] = np.nan
    with pytest.raises(UserError, match="Vertex 7 of the target mesh has no finite position"):
        suggest(own, landmarks, own.moved_to(points))


def test_a_face_that_reaches_far_away_is_looked_past():
    """Grids on which one thing hides another would else grow without end."""
    own, _ = driver()
    points = own.points.copy()
    points[own.triangles[0, 0]] += 1e7
    samples, normals = visible_samples(own.moved_to(points), 2000)
    assert len(samples) and np.isfinite(samples).all() and np.isfinite(normals).all()


def test_it_can_be_cancelled():
    own, landmarks = driver()
    with pytest.raises(Cancelled):
        suggest(own, landmarks, own, Watch(cancelled=lambda: True))

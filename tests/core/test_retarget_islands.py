# SPDX-License-Identifier: GPL-3.0-or-later
"""Loose parts of a head in one mesh are told apart by shape and place alone."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.benchmarks.retarget_truth.truth import shuffled
from facewright.core.head import load_head
from facewright.core.retarget.islands import island_numbers, named_islands
from facewright.core.retarget.landmarks import NAMES, of_head
from facewright.core.retarget.mesh import Mesh

from .retarget_heads import ASSETS, joined, sample


def template():
    head = load_head(ASSETS / "head.npz")
    return head.parts, of_head(head).points.on(head.skin.vertices)


def target():
    return sample().parts, sample().correspondences.on(sample().skin.vertices)


@pytest.mark.parametrize("heads", [target, template])
@pytest.mark.parametrize("noise_cm", [0.0, 0.15])
def test_every_part_of_our_heads_is_told(heads, noise_cm):
    """Also from points that a person has picked 1.5 mm off, in any turn and scale."""
    parts, spots = heads()
    mesh, truth = joined(parts)
    mesh, order = shuffled(mesh, 3)
    truth = np.where(truth == "hair", "other", truth)[order]
    random = np.random.default_rng(5)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    spots = spots + noise_cm * random.normal(size=spots.shape)
    mesh = mesh.moved_to(0.01 * mesh.points @ turn.T + [1.0, 2.0, 3.0])
    spots = 0.01 * spots @ turn.T + [1.0, 2.0, 3.0]
    found = named_islands(mesh, dict(zip(NAMES, spots, strict=True)))
    for kind in np.unique(truth):
        got = np.zeros(len(truth), bool)
        got[found.vertices(str(kind))] = True
        share = (got == (truth == kind)).mean()
        assert share > (0.9999 if noise_cm == 0 else 0.995), (kind, share)


def test_a_shell_around_an_eye_belongs_to_it():
    """Cornea and eyeball are often two parts."""
    parts, spots = target()
    eye = parts["eye_left"]
    mesh, truth = joined({"skin": parts["skin"], "eye_left": eye})
    centre = sample().eye_centres[1]
    shell = centre + 1.02 * (eye.vertices - centre)
    both = np.concatenate([mesh.points, shell])
    ball = mesh.triangles[truth[mesh.triangles[:, 0]] == "eye_left"]
    mesh = Mesh.of(both, np.concatenate([mesh.triangles, ball + len(eye.vertices)]))
    found = named_islands(mesh, dict(zip(NAMES, spots, strict=True)))
    assert found.kinds == ("skin", "eye_left", "eye_left")


def test_without_known_points_only_the_skin_is_told():
    parts, _ = target()
    mesh, truth = joined({name: parts[name] for name in ("skin", "eye_left", "tongue")})
    found = named_islands(mesh, {})
    assert sorted(found.kinds) == ["other", "other", "skin"]
    assert (truth[found.vertices("skin")] == "skin").all()


def test_vertices_without_a_face_are_no_part():
    triangles = np.array([[0, 1, 2], [4, 5, 6], [4, 6, 7]])
    numbers = island_numbers(Mesh.of(np.zeros((9, 3)), triangles))
    assert numbers.tolist() == [0, 0, 0, -1, 1, 1, 1, 1, -1]

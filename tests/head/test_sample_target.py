# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample target: a whole, clean head of another shape, and pairs that fit both heads."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.retarget.landmarks import NAMES, of_head, skin_mesh
from facewright.core.retarget.mesh import Mesh, fans, topology_hash, unit
from facewright.core.retarget.pairs import SurfacePoints, similarity
from facewright.core.retarget.setup_file import read_setup
from facewright.core.sample_target import PART_NAMES, load_sample_target


@pytest.fixture(scope="module")
def target(root):
    return load_sample_target(root / "assets" / "sample_target.npz")


@pytest.fixture(scope="module")
def skin(target):
    return Mesh.of(target.skin.vertices, fans(target.skin.faces))


@pytest.fixture(scope="module")
def setup(root):
    return read_setup(root / "assets" / "sample_target.json")


def test_it_has_all_parts_and_no_shapes(target):
    assert tuple(target.parts) == PART_NAMES
    assert all(part.shape_names == () for part in target.parts.values())
    for part in target.parts.values():
        assert part.colours.min() >= 0
        assert np.array_equal(np.unique(part.faces[part.faces >= 0]), np.arange(len(part.vertices)))


def test_the_skin_is_one_clean_sheet_with_an_open_neck(skin):
    assert len(skin.triangles) == 2 * 5504
    # Every edge has one or two triangles, and the open ones are a single ring.
    sides = skin.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    _, counts = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    assert counts.max() == 2
    assert (np.unique(skin.boundary, return_counts=True)[1] == 2).all()
    assert skin.points[skin.boundary, 1].max() < -5
    lengths = np.linalg.norm(skin.crossed, axis=1)
    assert lengths.min() > 1e-6


def test_it_is_another_topology_and_another_face(target, head):
    assert len(target.skin.vertices) != len(head.skin.vertices)
    here = of_head(head).points.on(head.skin.vertices)
    there = target.correspondences.on(target.skin.vertices)
    move = similarity(here, there)
    # Millimetres, not rounding: the face is not a scaled template.
    assert np.median(np.linalg.norm(move(here) - there, axis=1)) > 0.15


def test_eyes_fill_their_sockets(target, skin):
    """A lid's points are on the eyeball, none far inside it and none far off."""
    for side, centre in zip(("Right", "Left"), target.eye_centres, strict=True):
        ball = target.parts[f"eye_{side.lower()}"].vertices
        radius = np.median(np.linalg.norm(ball - centre, axis=1))
        spots = target.correspondences.on(skin.points)
        names = ("inner upper", "outer upper", "inner lower", "outer lower")
        lids = [spots[NAMES.index(f"{side} {name} lid")] for name in names]
        gaps = np.linalg.norm(np.array(lids) - centre, axis=1) - radius
        assert (gaps > -0.02).all() and (gaps < 0.35).all()


def test_teeth_and_tongue_are_inside_the_mouth(target, skin):
    """Nothing of them is before the skin, as seen from the front."""
    corners = skin.points[skin.triangles]
    for name in ("upper_denture", "lower_denture", "tongue"):
        points = target.parts[name].vertices[::50].astype(np.float64)
        for point in points:
            a, b, c = (corners[:, k, :2] - point[:2] for k in range(3))
            areas = np.stack([cross(b, c), cross(c, a), cross(a, b)], axis=1)
            met = (areas >= 0).all(axis=1) & (areas.sum(axis=1) > 0)
            shares = areas[met] / areas[met].sum(axis=1, keepdims=True)
            assert point[2] < (shares * corners[met][:, :, 2]).sum(axis=1).max(), (name, point)


def cross(a, b):
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def test_the_ready_pairs_fit_both_heads(setup, head, skin, target):
    assert [pair.name for pair in setup.pairs] == list(NAMES)
    own = skin_mesh(head)
    assert setup.driver.topology == topology_hash(len(own.points), own.triangles)
    assert setup.target.topology == topology_hash(len(skin.points), skin.triangles)
    driver, there = (
        SurfacePoints.of(
            np.array([getattr(pair, side).corners for pair in setup.pairs]),
            np.array([getattr(pair, side).shares for pair in setup.pairs]),
        )
        for side in ("driver", "target")
    )
    assert np.allclose(driver.on(own.points), of_head(head).points.on(own.points))
    assert np.allclose(there.on(skin.points), target.correspondences.on(skin.points), atol=1e-4)


def test_pairs_are_at_the_same_places_of_both_faces(target, skin, head):
    """Both surfaces look the same way there, and left is the mirror image of right."""
    places = target.correspondences
    spots = places.on(skin.points)
    here = of_head(head).points
    facing = (unit(places.on(skin.normals)) * unit(here.on(skin_mesh(head).normals))).sum(axis=1)
    smooth = ["mouth corner" not in name for name in NAMES]  # where the surface turns inwards
    assert facing[smooth].min() > 0.7
    for name, spot in zip(NAMES, spots, strict=True):
        if name.startswith("Left "):
            other = spots[NAMES.index(name.replace("Left", "Right"))]
            assert np.abs(spot - other * [-1, 1, 1]).max() < 0.08, name
            assert spot[0] > 0.5
    by_name = dict(zip(NAMES, spots, strict=True))
    # No rim of the face is farther in front than the tip of the nose; the crown is on top.
    assert by_name["Nose tip"][2] > skin.points[:, 2].max() - 0.1
    assert by_name["Crown"][1] > skin.points[:, 1].max() - 0.3
    upper, lower = by_name["Inner upper lip"], by_name["Inner lower lip"]
    assert -0.05 < upper[1] - lower[1] < 0.25


def test_a_missing_or_wrong_file_is_refused_in_a_sentence(root, tmp_path):
    with pytest.raises(UserError, match=r"missing.*tools/head"):
        load_sample_target(tmp_path / "none.npz")
    with pytest.raises(UserError, match="no sample target"):
        load_sample_target(root / "assets" / "head.npz")

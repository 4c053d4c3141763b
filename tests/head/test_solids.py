# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves rigidly or lies inside: jaw, teeth, tongue, eyes."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.head import JAW_SHAPES, pose_skin
from facewright.tests.head.poses import SHUT
from facewright.tools.head import lips as lip_tools
from facewright.tools.head import rigid, skin, topology
from facewright.tools.head.eyes import surface_radius


def jaw_matrix_of(head, amounts):
    motion = sum((amounts.get(n, 0.0) * head.jaw_motions[n] for n in JAW_SHAPES), np.zeros((2, 3)))
    return rigid.rotation_matrix(motion[0]), motion[1]


def carried(head, points, amounts):
    turn, shift = jaw_matrix_of(head, amounts)
    return (points - head.jaw_pivot) @ turn.T + head.jaw_pivot + shift


def test_the_jaw_opens_about_the_x_axis(head):
    turn = head.jaw_motions["jawOpen"][0]
    assert np.degrees(turn[0]) == pytest.approx(24, abs=2)
    assert turn[1] == turn[2] == 0
    assert head.jaw_motions["jawOpen"][1][1] < -1


def test_the_other_jaw_shapes_are_pure_shifts(head):
    for name in ("jawForward", "jawLeft", "jawRight"):
        assert np.abs(head.jaw_motions[name][0]).max() == 0
    assert head.jaw_motions["jawForward"][1][2] > 0.5
    left, right = head.jaw_motions["jawLeft"][1], head.jaw_motions["jawRight"][1]
    assert left[0] > 0.5
    assert np.allclose(left * [-1, 1, 1], right)


@pytest.mark.parametrize("name", JAW_SHAPES)
def test_markers_move_rigidly_with_the_denture(head, name):
    moved = head.neutral_jaw + head.jaw_deltas[name]
    assert np.allclose(moved, carried(head, head.neutral_jaw, {name: 1.0}), atol=1e-3)
    assert np.linalg.matrix_rank(head.neutral_jaw - head.neutral_jaw[0], tol=0.1) >= 2


@pytest.mark.parametrize("amount", [0.25, 0.5, 1.0])
def test_chin_and_lower_teeth_move_together(head, weights, amount):
    chin = head.landmarks["chin"][0]
    rest = head.skin.vertices[chin]
    posed = pose_skin(head, weights(jawOpen=amount))[0, chin]
    assert np.linalg.norm(carried(head, rest, {"jawOpen": amount}) - posed) < 0.35


def test_the_tongue_rides_on_the_jaw_and_does_not_move_with_it_twice(head):
    assert not set(head.parts["tongue"].shape_names) & set(JAW_SHAPES)


@pytest.mark.parametrize("pose", SHUT, ids=str)
@pytest.mark.parametrize("name", ["upper_denture", "lower_denture", "tongue"])
def test_nothing_shows_through_closed_lips(head, weights, name, pose):
    """A ray to the front from anything inside the mouth has to cross the skin."""
    surface = limit_of(head)(pose_skin(head, weights(**pose))[0].astype(np.float64))
    points = head.parts[name].vertices.astype(np.float64)
    if name != "upper_denture":
        points = carried(head, points, pose)
    # Rays beside the mid plane, where they would run along the mesh's edges.
    front = points[points[:, 2] > 6.5][::2] + np.array([1e-3, 0, 0])
    bare = front[crossings(surface, head.skin.faces, front) == 0]
    assert len(bare) <= len(front) // 200


def limit_of(head):
    around = topology.Neighbours.of(head.skin.faces, len(head.skin.vertices))
    return topology.Limit.of(head.skin.faces, around)


def crossings(points, faces, origins):
    """How often a ray along +z from each origin crosses the surface."""
    corners = points[topology.triangles_of(faces)]
    corners = corners[(corners[:, :, 2].max(axis=1) > 5) & (corners[:, :, 1].min(axis=1) < 2)]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]

    def cross(u, v):
        return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]

    area = cross(b - a, c - a)
    keep = np.abs(area) > 1e-9
    a, b, c, area = a[keep], b[keep], c[keep], area[keep]
    counts = np.zeros(len(origins), dtype=int)
    for i, origin in enumerate(origins):
        v = cross(origin - a, c - a) / area
        w = cross(b - a, origin - a) / area
        inside = (v >= 0) & (w >= 0) & (v + w <= 1)
        depth = (1 - v - w) * a[:, 2] + v * b[:, 2] + w * c[:, 2]
        counts[i] = (inside & (depth > origin[2])).sum()
    return counts


@pytest.fixture(scope="module")
def lips(head, wheel_path):
    from facewright.tools.head import basemesh, wheel

    with wheel.Members(wheel_path) as members:
        base = basemesh.read(members, skin.recipe(), ())
    face = skin.cut(base)
    return lip_tools.Lips.of(face, topology.Limit.of(face.quads, face.around))


@pytest.mark.parametrize("pose", SHUT, ids=str)
def test_closed_lips_touch_and_hardly_overlap(head, weights, lips, pose):
    gaps = lips.gaps(pose_skin(head, weights(**pose))[0].astype(np.float64))
    assert gaps.max() < 0.08
    # Two rolled lips bury each other a little; everything else just touches.
    rolled = "mouthRollUpper" in pose and "mouthRollLower" in pose
    assert gaps.min() > (-0.13 if rolled else -0.06)


EYE_TURNS = {"eyeLookDown": (10.7, 0), "eyeLookUp": (-9.5, 0), "eyeLookIn": (0, -14.5)}
EYE_POSES = [
    *({"eyeBlink": a} for a in (0.0, 0.25, 0.5, 0.75, 1.0)),
    *({name: 1.0} for name in EYE_TURNS),
    {"eyeLookDown": 1.0, "eyeBlink": 0.6},
    {"eyeSquint": 1.0},
    {"eyeWide": 1.0},
    {"eyeBlink": 1.0, "cheekSquint": 1.0},
]


@pytest.mark.parametrize("pose", EYE_POSES, ids=str)
def test_the_eyeball_stays_behind_the_lids(head, weights, pose):
    posed = limit_of(head)(pose_skin(head, weights(**pose))[0].astype(np.float64))
    edge = np.concatenate([head.landmarks[f"{lid}_lid_edge_left"] for lid in ("upper", "lower")])
    pitch, yaw = np.sum([a * np.array(EYE_TURNS.get(n, (0, 0))) for n, a in pose.items()], axis=0)
    turn = rigid.rotation_matrix(np.radians([0, yaw, 0])) @ rigid.rotation_matrix(
        np.radians([pitch, 0, 0])
    )
    arms = (posed[edge] - head.eye_centres[1]) @ turn
    reach = np.linalg.norm(arms, axis=1)
    clearance = reach - surface_radius(np.arccos(np.clip(arms[:, 2] / reach, -1, 1)))
    assert clearance.min() > -0.05
    assert np.median(clearance) > 0.02


def test_eyes_sit_on_their_centres(head):
    for i, side in enumerate(("right", "left")):
        part = head.parts[f"eye_{side}"]
        arms = part.vertices - head.eye_centres[i]
        assert np.abs(arms[:, :2].mean(axis=0)).max() < 0.01
        # The pupil looks along +z.
        pupil = np.unique(part.faces[part.materials == 4])
        pupil = pupil[pupil >= 0]
        assert arms[pupil, 2].min() > 1.4

# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 shapes as an animator meets them: symmetric, clean, and closing what must close."""

from __future__ import annotations

import facewright.core.head as head_module
import numpy as np
import pytest
from facewright.core.head import lip_gap, mouth_width, pose_skin
from facewright.core.naming import ARKIT_NAMES
from facewright.tests.head.poses import SHUT

UPPER_FACE = [n for n in ARKIT_NAMES if n.startswith(("eye", "brow", "nose", "cheekSquint"))]


def other_side(name):
    swapped = {"Left": "Right", "Right": "Left"}
    for side, other in swapped.items():
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


def test_the_neutral_is_symmetric(head, mirror):
    points = head.skin.vertices
    assert np.abs(points[mirror] * [-1, 1, 1] - points).max() < 1e-4


@pytest.mark.parametrize("name", ARKIT_NAMES)
def test_left_is_the_mirror_image_of_right(head, mirror, name):
    moves = head.skin.shapes[ARKIT_NAMES.index(name)]
    other = head.skin.shapes[ARKIT_NAMES.index(other_side(name))]
    assert np.abs(other[mirror] * [-1, 1, 1] - moves).max() < 1e-4


@pytest.mark.parametrize("name", [n for n in ARKIT_NAMES if n != "tongueOut"])
def test_no_shape_is_too_weak_to_see(head, name):
    moves = np.linalg.norm(head.skin.shapes[ARKIT_NAMES.index(name)], axis=1)
    # Sideways looks hardly move the lids.
    assert moves.max() > (0.08 if "Look" in name else 0.25)


@pytest.mark.parametrize("name", UPPER_FACE)
def test_the_upper_face_leaves_the_mouth_alone(head, name):
    inside = np.unique(head.skin.faces[head.skin.materials == 1])
    border = np.unique(head.skin.faces[head.skin.materials != 1])
    inside = np.setdiff1d(inside, border)
    assert len(inside) > 300
    assert np.abs(head.skin.shapes[ARKIT_NAMES.index(name)][inside]).max() < 0.01


def test_shapes_end_above_the_cut(head):
    """The neck's edge stays where it is, so that the head fits a body."""
    edges = np.sort(
        np.concatenate([head.skin.faces[:, [i, (i + 1) % 4]] for i in range(4)]), axis=1
    )
    unique, counts = np.unique(edges, axis=0, return_counts=True)
    border = np.unique(unique[counts == 1])
    assert len(border) == 42
    assert np.abs(head.skin.shapes[:, border]).max() == 0


@pytest.mark.parametrize("pose", SHUT, ids=str)
def test_the_lips_meet(head, weights, pose):
    gap = lip_gap(head, pose_skin(head, weights(**pose)))[0]
    assert gap < (0.02 if not pose else 0.03)


def test_an_opening_jaw_opens_the_lips_steadily(head, weights):
    amounts = np.linspace(0, 1, 21)
    rows = np.array([weights(jawOpen=a) for a in amounts])
    gaps = lip_gap(head, pose_skin(head, rows))
    assert gaps[1] > 0.01
    assert (np.diff(gaps) > 0).all()
    assert gaps[-1] > 0.5


def test_press_presses_and_does_not_smirk(head, weights):
    rest, pressed = pose_skin(head, np.array([weights(), weights(mouthPress=1)]))
    corner = head.landmarks["mouth_corner_left"][0]
    assert abs(pressed[corner, 1] - rest[corner, 1]) < 0.2
    ends = [head.landmarks[f"outer_{lip}_lip"][0] for lip in ("upper", "lower")]
    thickness = [posed[ends[0], 1] - posed[ends[1], 1] for posed in (rest, pressed)]
    assert thickness[1] < 0.85 * thickness[0]


@pytest.mark.parametrize("side", ["left", "right"])
def test_blinking_closes_the_eye(head, weights, side):
    rest, shut = pose_skin(
        head, np.array([weights(), weights(**{f"eyeBlink{side.capitalize()}": 1})])
    )
    for points, closed in ((rest, False), (shut, True)):
        opening = lid_opening(head, points, side)
        assert (opening.max() < 0.05) if closed else (opening.max() > 0.7)
    other = "right" if side == "left" else "left"
    assert np.allclose(lid_opening(head, shut, other), lid_opening(head, rest, other), atol=0.01)


def test_blinking_closes_steadily(head, weights):
    rows = np.array([weights(eyeBlink=a) for a in np.linspace(0, 1, 11)])
    heights = [lid_opening(head, points, "left").mean() for points in pose_skin(head, rows)]
    assert (np.diff(heights) < 0).all()


def lid_opening(head, points, side):
    """Heights between the lids' edges at places along the eye, in cm."""
    edges = {}
    for lid in ("upper", "lower"):
        line = points[head.landmarks[f"{lid}_lid_edge_{side}"]]
        order = np.argsort(np.abs(line[:, 0]))
        edges[lid] = np.abs(line[order, 0]), line[order, 1]
    low = max(x[0] for x, _ in edges.values())
    high = min(x[-1] for x, _ in edges.values())
    at = np.linspace(low, high, 20)
    return np.interp(at, *edges["upper"]) - np.interp(at, *edges["lower"])


def test_posing_in_blocks_equals_the_plain_sum(head, monkeypatch):
    monkeypatch.setattr(head_module, "_BLOCK_BYTES", len(head.skin.vertices) * 12 * 2)
    rows = np.random.default_rng(0).random((5, 52), dtype=np.float32)
    plain = [
        head.skin.vertices + sum(w * s for w, s in zip(row, head.skin.shapes, strict=True))
        for row in rows
    ]
    assert np.allclose(pose_skin(head, rows), plain, atol=1e-4)


def test_the_gap_is_the_height_between_the_lips_over_the_mouths_width(head):
    points = np.repeat(head.skin.vertices[None], 2, axis=0)
    points[1, head.landmarks["inner_upper_lip"], 1] += 2.0
    rest = (
        points[0, head.landmarks["inner_upper_lip"], 1].min(axis=1)
        - points[0, head.landmarks["inner_lower_lip"], 1].max(axis=1)
    ).mean()
    expected = (rest + 2.0) / mouth_width(head)
    assert lip_gap(head, points)[1] == pytest.approx(expected, rel=1e-4)


def test_pose_deltas_open_the_lips_and_shut_the_eyes(head):
    opened = head.skin.vertices + 0.5 * head.lip_open_pose_delta
    assert lip_gap(head, opened[None])[0] > 0.05
    shut = head.skin.vertices + head.eye_close_pose_delta
    for side in ("left", "right"):
        assert lid_opening(head, shut, side).max() < 0.05

# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures at the lips: their distance to the upper teeth, and all of them on a small head."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.head import lip_gap, lip_to_teeth, lips_only, mouth_width, pose_skin

POSES = {
    "rest": {},
    "bite": {"mouthRollLower": 0.72, "mouthUpperUp": 0.38, "jawOpen": 0.03},
    "press": {"mouthPress": 0.2, "mouthRollLower": 0.3, "mouthRollUpper": 0.28},
    "open": {"jawOpen": 0.5},
}


@pytest.fixture
def posed(head, weights):
    rows = np.array([weights(**pose) for pose in POSES.values()])
    return rows, pose_skin(head, rows)


def test_the_lower_lip_comes_to_the_teeth_in_a_bite_alone(head, posed):
    told = dict(zip(POSES, lip_to_teeth(head, posed[1]), strict=True))
    assert told["bite"] < 0.03
    assert min(told["rest"], told["press"]) > 0.05
    assert told["open"] > 2 * told["rest"]


def test_a_lip_moved_forward_is_so_much_farther_from_the_teeth(head):
    points = np.repeat(head.skin.vertices[None], 2, axis=0)
    points[1, head.landmarks["inner_lower_lip"], 2] += 5.0
    near, far = lip_to_teeth(head, points) * mouth_width(head)
    assert near + 4.0 < far <= near + 5.01


def test_a_head_of_lips_alone_is_measured_as_the_whole(head, posed):
    rows, skin = posed
    small = lips_only(head)
    assert len(small.skin.vertices) < 0.05 * len(head.skin.vertices)
    lips = pose_skin(small, rows)
    assert np.allclose(lip_gap(small, lips), lip_gap(head, skin), atol=1e-5)
    assert np.allclose(lip_to_teeth(small, lips), lip_to_teeth(head, skin), atol=1e-5)
    assert mouth_width(small) == mouth_width(head)

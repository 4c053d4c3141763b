# SPDX-License-Identifier: GPL-3.0-or-later
"""The known points of the built-in head: where their names say, and symmetric."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from facewright.core.head import load_head
from facewright.core.retarget.landmarks import (
    NAMES,
    TWELVE,
    TWENTY,
    mirrored,
    of_head,
    skin_mesh,
)
from facewright.core.retarget.pairs import ADVISED, FEW, FEWEST

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def head():
    return load_head(ROOT / "assets" / "head.npz")


@pytest.fixture(scope="module")
def spots(head):
    return dict(zip(NAMES, of_head(head).points.on(skin_mesh(head).points), strict=True))


def test_there_are_as_many_as_are_advised_and_shorter_lists_for_less_work():
    assert len(NAMES) == len(set(NAMES)) == ADVISED + 1
    assert len(set(TWELVE)) == FEWEST and len(set(TWENTY)) == FEW
    assert set(TWELVE) < set(TWENTY) < set(NAMES)


def test_left_is_the_mirror_image_of_right(head, spots):
    landmarks = of_head(head)
    points = landmarks.points.on(skin_mesh(head).points)
    assert np.abs(points[landmarks.mirror] * [-1, 1, 1] - points).max() < 1e-4
    for name, spot in spots.items():
        assert (spot[0] > 0.3) == name.startswith("Left ")
        assert mirrored(mirrored(name)) == name


def test_names_say_where_they_are(head, spots):
    """Heights fall from the crown to the chin, the nose is in front, lids are around the eye."""
    middle = ("Crown", "Nose root", "Nose tip", "Nose base", "Upper lip", "Inner upper lip")
    heights = [spots[name][1] for name in (*middle, "Inner lower lip", "Lower lip", "Chin")]
    assert heights == sorted(heights, reverse=True)
    assert max(spots, key=lambda name: spots[name][2]) == "Nose tip"
    centre = head.eye_centres[1]
    lid = {
        name: spots[f"Left {name} lid"] - centre
        for name in ("inner upper", "outer upper", "inner lower", "outer lower")
    }
    assert lid["inner upper"][1] > 0 > lid["inner lower"][1]
    assert lid["inner upper"][0] < lid["outer upper"][0]
    assert lid["inner lower"][0] < lid["outer lower"][0]
    assert spots["Left inner eye corner"][0] < centre[0] < spots["Left outer eye corner"][0]
    assert spots["Left brow"][1] > spots["Left outer upper lid"][1] + 1
    assert spots["Left jaw angle"][2] < spots["Left jaw side"][2] < spots["Chin"][2]
    corner = head.skin.vertices[head.landmarks["mouth_corner_left"][0]]
    assert spots["Left mouth corner"] == pytest.approx(corner)


def test_some_can_be_chosen_in_another_order(head):
    landmarks = of_head(head)
    points = skin_mesh(head).points
    few = landmarks.chosen(TWELVE)
    assert few.names == TWELVE
    for name, spot in zip(few.names, few.points.on(points), strict=True):
        assert spot == pytest.approx(landmarks.points.on(points)[NAMES.index(name)])
    with pytest.raises(ValueError):
        landmarks.chosen(("Third eye",))

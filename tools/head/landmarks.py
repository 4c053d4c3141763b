# SPDX-License-Identifier: GPL-3.0-or-later
"""Named vertices of the skin that tests and evaluations measure with."""

from __future__ import annotations

import numpy as np

from . import lids
from .skin import Skin
from .topology import Ints

_LIP_COLUMNS = (0, 2, 4, -2, -4)
_LOWER_MIDDLE = 19
# Base-mesh vertices of the 31 points by which a transfer lays this head over another, in the order
# of `core/retarget/landmarks.py`; those of the right side are the mirror images.
_MIDDLE = (5211, 5054, 343, 132, 467, 495, 474, 493, 881)
_LEFT = (7192, 6850, 6805, 6838, 6784, 6831, 6825, 6996, 7098, 7617, 7459)


def find(skin: Skin) -> dict[str, Ints]:
    """Vertex numbers by name.

    `inner_upper_lip` and `inner_lower_lip` are (5, 4): five columns across the middle of the
    mouth (middle, two to the left, two to the right), four loops from outside to inside each.
    `upper_lid_edge_*` and `lower_lid_edge_*` run from the inner to the outer corner, without the
    corners. The others are one vertex.
    """
    loops = [skin.loops[name] for name in ("outer", "edge", "inner", "deep")]
    upper = [[loop[column] for loop in loops] for column in _LIP_COLUMNS]
    steps = (0, -1, -2, 1, 2)
    lower = [[loop[_LOWER_MIDDLE + step] for loop in loops] for step in steps]
    edge = skin.loops["edge"]
    corner = int(edge[skin.points[edge, 0].argmax()])
    single = {
        "mouth_corner_left": corner,
        "outer_upper_lip": int(skin.number[466]),
        "outer_lower_lip": int(skin.number[513]),
        "upper_lid_left": int(skin.number[6785]),
        "lower_lid_left": int(skin.number[6828]),
        "chin": int(skin.number[5211]),
        "nose_tip": int(skin.points[:, 2].argmax()),
    }
    single.update(
        {
            name.replace("left", "right"): int(skin.mirror[vertex])
            for name, vertex in single.items()
            if name.endswith("left")
        }
    )
    found = {name: np.array([vertex]) for name, vertex in single.items()}
    found["inner_upper_lip"] = np.array(upper)
    found["inner_lower_lip"] = np.array(lower)
    edge = lids.loop(skin, lids.MARGIN)
    upper_edge = edge[np.r_[lids.INNER_CORNER + 1 : len(edge), 0 : lids.OUTER_CORNER]]
    lower_edge = edge[lids.INNER_CORNER - 1 : lids.OUTER_CORNER : -1]
    for name, vertices in (("upper", upper_edge), ("lower", lower_edge)):
        found[f"{name}_lid_edge_left"] = vertices
        found[f"{name}_lid_edge_right"] = skin.mirror[vertices]
    found["correspondences"] = correspondences(skin)
    return found


def correspondences(skin: Skin) -> Ints:
    """Skin vertices (31,) of the points of `core/retarget/landmarks.py`, in that order."""
    left = skin.local(np.array(_LEFT))
    both = np.stack([left, skin.mirror[left]], axis=1)
    return np.concatenate([skin.local(np.array(_MIDDLE)), both.ravel()])

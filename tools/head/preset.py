# SPDX-License-Identifier: GPL-3.0-or-later
"""The ready pairs between the built-in head and the sample target, as a setup to load."""

from __future__ import annotations

import numpy as np
from facewright.core.retarget.landmarks import NAMES
from facewright.core.retarget.mesh import fans, topology_hash
from facewright.core.retarget.setup_file import MeshNote, PairNote, Setup, SpotNote

from .asset import Arrays

_ABOUT = (
    "31 pairs between the built-in head and the sample target, computed from both heads' origin"
)


def setup(head: Arrays, target: Arrays) -> Setup:
    """The setup for the arrays of the two assets."""
    vertices = head["landmark/correspondences"].tolist()
    corners = target["correspondences/corners"].tolist()
    shares = target["correspondences/shares"].astype(np.float64).tolist()
    pairs = [
        PairNote(
            name, SpotNote((vertex,) * 3, (1.0, 0.0, 0.0)), SpotNote(tuple(three), tuple(share))
        )
        for name, vertex, three, share in zip(NAMES, vertices, corners, shares, strict=True)
    ]
    return Setup(
        "Sample Target",
        _note("Facewright Head", head),
        _note("Sample Target", target),
        tuple(pairs),
        about=_ABOUT,
    )


def _note(name: str, arrays: Arrays) -> MeshNote:
    count = len(arrays["part/skin/vertices"])
    return MeshNote(name, topology_hash(count, fans(arrays["part/skin/faces"])), count)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads to test transfers with: the built-in one, and the sample target in several guises."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from facewright.core.head import load_head
from facewright.core.retarget.landmarks import of_head, skin_mesh
from facewright.core.retarget.mesh import Mesh, fans
from facewright.core.sample_target import load_sample_target

from . import retarget_faces as faces

ASSETS = Path(__file__).resolve().parents[2] / "assets"


@cache
def driver():
    """The built-in head's skin and its known points."""
    head = load_head(ASSETS / "head.npz")
    return skin_mesh(head), of_head(head)


@cache
def sample():
    """The sample target."""
    return load_sample_target(ASSETS / "sample_target.npz")


def sample_skin():
    """Its skin, and where the known points are."""
    skin = sample().skin
    mesh = Mesh.of(skin.vertices, fans(skin.faces))
    return mesh, sample().correspondences.on(mesh.points)


def joined(parts):
    """Parts of a head as one mesh, and the part's name for each vertex."""
    names = np.repeat(list(parts), [len(part.vertices) for part in parts.values()])
    return faces.joined(*((part.vertices, fans(part.faces)) for part in parts.values())), names

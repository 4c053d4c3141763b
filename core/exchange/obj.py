# SPDX-License-Identifier: GPL-3.0-or-later
"""Wavefront OBJ: the neutral of a mesh, its vertices in the order that its caches have."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..arrays import AnyArray, Floats
from ..files import write_text


def write_obj(
    path: str | os.PathLike[str], name: str, points: Floats, faces: Sequence[AnyArray]
) -> None:
    """Write points (V, 3) and faces, each with its points' places from 0, whole or not at all.

    Raises UserError.
    """
    lines = ["# Facewright", f"o {'_'.join(name.split())}"]
    lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in points.tolist()]
    lines += ["f " + " ".join(str(int(corner) + 1) for corner in face) for face in faces]
    write_text(path, "\n".join(lines) + "\n")

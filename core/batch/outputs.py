# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of weights that a row leads to, by the names of their formats."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import UserError
from ..exchange.weights_json import write_weights
from ..face.track import FaceTrack
from .manifest import Row
from .order import Order

ENDINGS = {"json": ".json"}
BAKED = ("blend", "fbx", "usdc", "glb")  # with meshes, which only Blender writes


def check_formats(formats: Iterable[str]) -> None:
    """Raises UserError for a format that is not written without Blender."""
    for name in formats:
        if name in BAKED:
            raise UserError(
                f"The format {name} is baked on a character, which needs Blender.",
                "Use Blender's own command: blender --background --command facewright batch.",
            )
        if name not in ENDINGS:
            raise UserError(
                f"There is no format called {name!r}.", f"There are {', '.join(ENDINGS)}."
            )


def write_files(folder: Path, row: Row, order: Order, face: FaceTrack) -> list[Path]:
    """Write a row's face into ``folder``, one file for each format of the order; returns them.

    Raises UserError.
    """
    check_formats(order.formats)
    made = []
    for name in order.formats:
        path = folder / f"{Path(row.output).name}{ENDINGS[name]}"
        # Not its folder: the same voice gives the same bytes on every machine
        write_weights(path, face, Path(row.audio).name)
        made.append(path)
    return made

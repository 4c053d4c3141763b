# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of weights that a row leads to, by the names of their formats."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import UserError
from ..exchange.weights import KINDS, WeightOptions, write_weight_file
from ..face.track import FaceTrack
from .manifest import Row
from .order import Order

ENDINGS = {name: kind.ending for name, kind in KINDS.items()}
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
    """Write a row's face into ``folder``, one file for each weights format of the order.

    Returns the files. Raises UserError.
    """
    options = WeightOptions(
        # Not its folder: the same voice gives the same bytes on every machine
        track_path=row.voice.label,
        gains=order.gains,
        mapping=order.mapping,
        tongue=order.tongue,
        joints=order.joints,
    )
    made = []
    for name in order.formats:
        if name in KINDS:
            path = folder / f"{Path(row.output).name}{KINDS[name].ending}"
            write_weight_file(path, name, face, options)
            made.append(path)
    return made

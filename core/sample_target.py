# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample target: a head without shapes, in another topology, with pairs that fit it.

It is loaded from `assets/sample_target.npz`; `tools/head` builds the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import UserError
from .head_parts import Arrays, Floats, HeadPart, floats, ints, part_from, read_arrays
from .retarget.landmarks import NAMES
from .retarget.pairs import SurfacePoints

FORMAT = 1
PART_NAMES = (
    *("skin", "upper_denture", "lower_denture", "tongue"),
    *("eye_left", "eye_right", "lashes", "brows", "hair"),
)
_FIX = "Build it with `python tools/head`."


@dataclass(frozen=True)
class SampleTarget:
    """The parts by name, none with shapes, and `eye_centres` (2, 3) [right, left] in cm.

    `correspondences` lie on the skin where `retarget/landmarks.py` has its points on the head's.
    """

    parts: Mapping[str, HeadPart]
    eye_centres: Floats
    correspondences: SurfacePoints

    @property
    def skin(self) -> HeadPart:
        """The part that a transfer drives."""
        return self.parts["skin"]


def load_sample_target(path: str | Path) -> SampleTarget:
    """Read and check the asset; `UserError` when it is missing or is something else."""
    path = Path(path)
    arrays = read_arrays(path, "The sample target", _FIX)
    try:
        return _target_from(arrays)
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is no sample target of this version: {error}.", _FIX) from error


def _target_from(arrays: Arrays) -> SampleTarget:
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"format {int(arrays['format'])}, expected {FORMAT}")
    parts = {name: part_from(name, arrays) for name in PART_NAMES}
    count = len(parts["skin"].vertices)
    pairs = SurfacePoints.of(
        ints(arrays, "correspondences/corners", count),
        floats(arrays, "correspondences/shares", (len(NAMES), 3)),
    )
    return SampleTarget(parts, floats(arrays, "eye_centres", (2, 3)), pairs)

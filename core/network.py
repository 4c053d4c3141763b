# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a model's network over a voice with ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .arrays import Floats


@dataclass(frozen=True)
class Motion:
    """What the network says per frame, before any post-processing.

    ``skin``    (T, S) and ``tongue`` (T, Tt) coefficients of the model's shapes
    ``jaw``     (T, J, 3) motion of the lower teeth's markers from rest, the model's unit
    ``eyes``    (T, 2, 2) degrees, [right, left][X pitch, Y yaw]
    ``fps``     frames per second, exact; all arrays float32
    """

    skin: Floats
    tongue: Floats
    jaw: Floats
    eyes: Floats
    fps: Fraction

    @property
    def frame_count(self) -> int:
        return int(self.skin.shape[0])

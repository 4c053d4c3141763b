# SPDX-License-Identifier: GPL-3.0-or-later
"""The animation of one face over time: what a scene, a file or a live target is given."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .arrays import Floats


@dataclass(frozen=True)
class FaceTrack:
    """Weights of named poses, and the motion of jaw and eyes, per frame.

    ``names``      canonical names first (52 ARKit, 16 tongue, see ``naming``), then any other
                   pose of the model's rigs
    ``weights``    (T, P) float32; 0 none, 1 full; multipliers of a rig may lead beyond 1
    ``jaw``        (T, 4, 4) float32, rigid motion of the lower denture in the model's space
                   (Y up): ``p' = R p + t``, row-major, translation in the last column
    ``eyes``       (T, 2, 2) float32 degrees, [right, left][X pitch, Y yaw], right-handed
                   rotation of an eye that faces +Z: positive pitch looks down, positive yaw
                   looks to the character's left (+X)
    ``fps``        frames per second, exact; frame i is at i / fps seconds
    ``duration_s`` length of the voice
    ``notices``    sentences for the user: nothing failed, but it is worth knowing
    """

    names: tuple[str, ...]
    weights: Floats
    jaw: Floats
    eyes: Floats
    fps: Fraction
    duration_s: float
    notices: tuple[str, ...] = ()

    @property
    def frame_count(self) -> int:
        return int(self.weights.shape[0])

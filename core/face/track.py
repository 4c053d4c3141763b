# SPDX-License-Identifier: GPL-3.0-or-later
"""The animation of one face over time: what a scene, a file or a live target is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..arrays import Floats
from ..models.model import SolveConfig
from ..naming import CANONICAL_NAMES
from ..postprocess.eyes import eye_look_weights
from ..solve.blendshape import WeightTrack


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
    ``head``       (T, 3) float32 degrees of the head's rotation [X pitch, Y yaw, Z roll], see
                   ``postprocess.head_motion``; None: head motion is off
    ``jaw_rest``   (3,) middle of the lower denture's markers at rest in the model's space, which
                   tells where the model's jaw is; None: where the built-in model's is
    """

    names: tuple[str, ...]
    weights: Floats
    jaw: Floats
    eyes: Floats
    fps: Fraction
    duration_s: float
    notices: tuple[str, ...] = ()
    head: Floats | None = None
    jaw_rest: tuple[float, float, float] | None = None

    @property
    def frame_count(self) -> int:
        return int(self.weights.shape[0])


def assemble(
    tracks: Sequence[tuple[WeightTrack, SolveConfig]],
    jaw: Floats,
    eyes: Floats,
    fps: Fraction,
    duration_s: float,
    notices: tuple[str, ...] = (),
    clamp: bool = False,
    jaw_neutral: Floats | None = None,
) -> FaceTrack:
    """Put the weights of several rigs under canonical names; what no rig has stays 0.

    The eyeLook poses come from the angles ``eyes`` where a rig lacks them or does not solve them,
    through that rig's multiplier and offset; ``clamp`` keeps them in 0..1 as the solver does.
    ``jaw_neutral`` (J, 3) are the markers of the lower denture at rest.
    """
    columns: dict[str, Floats] = {}
    solved: set[str] = set()
    forms: dict[str, tuple[float, float]] = {}
    for track, config in tracks:
        for pose, name in enumerate(track.names):
            if name in columns:
                continue
            columns[name] = track.values[:, pose]
            forms[name] = (config.multipliers[pose], config.offsets[pose])
            if config.active[pose]:
                solved.add(name)
    for name, look in eye_look_weights(eyes).items():
        if name not in solved:
            multiplier, offset = forms.get(name, (1.0, 0.0))
            values = look * np.float32(multiplier) + np.float32(offset)
            columns[name] = np.clip(values, 0, 1) if clamp else values
    names = CANONICAL_NAMES + tuple(name for name in columns if name not in CANONICAL_NAMES)
    weights = np.zeros((len(eyes), len(names)), np.float32)
    for column, name in enumerate(names):
        if name in columns:
            weights[:, column] = columns[name]
    return FaceTrack(
        names, weights, jaw, eyes, fps, duration_s, notices, jaw_rest=_middle(jaw_neutral)
    )


def _middle(markers: Floats | None) -> tuple[float, float, float] | None:
    if markers is None:
        return None
    x, y, z = markers.mean(axis=0, dtype=np.float64)
    return float(x), float(y), float(z)


def jaw_rest_of(result: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Where the model's jaw lies, as a job of the worker told it."""
    place = result.get("jaw_rest")
    return None if place is None else (float(place[0]), float(place[1]), float(place[2]))

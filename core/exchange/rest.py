# SPDX-License-Identifier: GPL-3.0-or-later
"""A face out of what a file of weights holds, and what stands where it holds less."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..arrays import AnyArray, Doubles
from ..face.track import FaceTrack
from ..naming import match
from ..postprocess.eyes import LOOK_DOWN, LOOK_IN, LOOK_OUT, LOOK_UP

NO_JAW = "The file has no motion of the jaw."
_LOOKS = ("Down", "Up", "Out", "In")


def face_from(
    names: Sequence[str],
    weights: AnyArray,
    fps: Fraction,
    eyes: AnyArray | None = None,
    jaw: AnyArray | None = None,
    head: AnyArray | None = None,
    notices: tuple[str, ...] = (),
) -> FaceTrack:
    """A face of weights (T, P); eyes (T, 2, 2), jaw (T, 4, 4) and head (T, 3) as in ``FaceTrack``.

    Without ``eyes`` they turn as the eyeLook poses say; without ``jaw`` it rests, which is noted.
    """
    count = len(weights)
    if eyes is None:
        eyes = eyes_of_looks(names, weights)
    if jaw is None:
        jaw = np.repeat(np.eye(4)[None], count, axis=0)
        notices = (*notices, NO_JAW)
    return FaceTrack(
        names=tuple(names),
        weights=np.ascontiguousarray(weights, np.float32),
        jaw=np.ascontiguousarray(jaw, np.float32),
        eyes=np.ascontiguousarray(eyes, np.float32),
        fps=fps,
        duration_s=float(count / fps),
        notices=notices,
        head=None if head is None else np.ascontiguousarray(head, np.float32),
    )


def eyes_of_looks(names: Sequence[str], weights: AnyArray) -> Doubles:
    """Angles (T, 2, 2) that give the eyeLook poses their weights; see ``postprocess.eyes``."""
    angles = np.zeros((len(weights), 2, 2))
    wanted = [f"eyeLook{way}{side}" for side in ("Right", "Left") for way in _LOOKS]
    found = match(wanted, names).pairs
    column = {name: index for index, name in enumerate(names)}

    def weight(name: str) -> AnyArray | float:
        return weights[:, column[found[name][0]]] if name in found else 0.0

    for eye, side in ((0, "Right"), (1, "Left")):
        down, up, outward, inward = (weight(f"eyeLook{way}{side}") for way in _LOOKS)
        angles[:, eye, 0] = down * LOOK_DOWN - up * LOOK_UP
        yaw = outward * LOOK_OUT - inward * LOOK_IN
        angles[:, eye, 1] = yaw if side == "Left" else -yaw
    return angles

# SPDX-License-Identifier: GPL-3.0-or-later
"""The tongue and its shapes, all relative to the jaw that carries it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .basemesh import BaseMesh
from .names import TONGUE
from .part import Part
from .topology import Floats

# Linear RGB of the upper side, and of the darker root and underside.
PINK = np.array([0.52, 0.17, 0.155])
DARK = np.array([0.33, 0.075, 0.07])


def build(base: BaseMesh) -> Part:
    """The tongue of the base mesh with tongueOut and 16 geometric shapes."""
    rest = at_rest(base)
    shapes = {name: geometric(rest.points)[name] for name in TONGUE}
    shapes["tongueOut"] = base.shapes["tongueOut"][base.groups["helper-tongue"]]
    return replace(rest, shapes=shapes)


def at_rest(base: BaseMesh) -> Part:
    """The tongue of the base mesh without shapes."""
    vertices = base.groups["helper-tongue"]
    number = np.full(len(base.points), -1)
    number[vertices] = np.arange(len(vertices))
    quads = base.quads[(number[base.quads] >= 0).all(axis=1)]
    points = base.points[vertices]
    return Part.of("tongue", points, number[quads], "tongue", colours=_colours(points))


def _colours(points: Floats) -> Floats:
    """Linear RGB (V, 3): paler in front and on top."""
    low, high = points.min(axis=0), points.max(axis=0)
    share = (points - low) / (high - low)
    pale = np.clip(0.2 + 0.6 * share[:, 2] + 0.4 * (share[:, 1] - 0.5), 0, 1)[:, None]
    return DARK + pale * (PINK - DARK)


def geometric(points: Floats) -> dict[str, Floats]:
    """16 shapes by bending, twisting and scaling along the tongue's depth t (0 root, 1 tip)."""
    back, front = points[:, 2].min(), points[:, 2].max()
    length = front - back
    t = np.clip((points[:, 2] - back) / length, 0, 1)
    body = t**1.3
    tip = np.clip((t - 0.5) / 0.5, 0, 1) ** 1.4
    side = points[:, 0]

    def bend(amount: Floats, start: float, axis: int) -> Floats:
        """Turn by `amount` radians about a line across the tongue at depth `start`."""
        centre = np.array([0.0, np.median(points[:, 1]), back + start * length])
        arm = points - centre
        turned = arm.copy()
        cosine, sine = np.cos(amount), np.sin(amount)
        turned[:, axis] = cosine * arm[:, axis] + sine * arm[:, 2]
        turned[:, 2] = -sine * arm[:, axis] + cosine * arm[:, 2]
        return turned - arm

    def twist(amount: Floats) -> Floats:
        """Turn by `amount` radians about the tongue's own length."""
        middle = np.interp(t, *_spine(points, t))
        arm = np.stack([side, points[:, 1] - middle], axis=1)
        cosine, sine = np.cos(amount), np.sin(amount)
        moved = np.zeros_like(points)
        moved[:, 0] = cosine * arm[:, 0] - sine * arm[:, 1] - arm[:, 0]
        moved[:, 1] = sine * arm[:, 0] + cosine * arm[:, 1] - arm[:, 1]
        return moved

    def shift(x: float, y: float, z: float) -> Floats:
        return np.outer(body, [x, y, z])

    def widen(amount: float) -> Floats:
        return np.stack([side * amount * body, 0 * side, 0 * side], axis=1)

    return {
        "tongueTipUp": bend(0.65 * tip, 0.5, 1),
        "tongueTipDown": bend(-0.5 * tip, 0.5, 1),
        "tongueTipLeft": bend(0.5 * tip, 0.5, 0),
        "tongueTipRight": bend(-0.5 * tip, 0.5, 0),
        "tongueRollUp": bend(0.42 * body, 0.2, 1),
        "tongueRollDown": bend(-0.35 * body, 0.2, 1),
        "tongueRollLeft": twist(-0.5 * body),
        "tongueRollRight": twist(0.5 * body),
        "tongueUp": shift(0, 1.0, 0),
        "tongueDown": shift(0, -0.6, 0),
        "tongueLeft": shift(0.9, 0, 0),
        "tongueRight": shift(-0.9, 0, 0),
        "tongueIn": shift(0, 0, -1.3),
        "tongueStretch": shift(0, 0, 1.6),
        "tongueWide": widen(0.35),
        "tongueNarrow": widen(-0.35),
    }


def _spine(points: Floats, t: Floats, bins: int = 12) -> tuple[Floats, Floats]:
    """Depths and mean heights of slices across the tongue."""
    slot = np.minimum((t * bins).astype(int), bins - 1)
    used = np.unique(slot)
    heights = np.array([points[slot == i, 1].mean() for i in used])
    return (used + 0.5) / bins, heights

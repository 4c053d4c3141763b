# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipeline's emotion curves as the keys that the network is given, in seconds of its voice.

The network's keys are joined by straight lines. Where a curve is straight, its own keys are enough;
elsewhere it is read at the scene's whole frames, as Blender shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from ..core.emotion.track import EmotionTrack
from ..core.limits import SAMPLE_RATE
from .curves import read_keys
from .emotion_curves import curves_of, sample
from .rates import scene_rate

MOST_FRAMES = 20_000  # that are read one by one; of a longer part only every second, third ...
_JUST_BEFORE = 1e-6  # of a frame

Array = np.ndarray[Any, Any]


def emotion_track(
    scene: bpy.types.Scene, place: int, begin: float, rest: Sequence[float] | None = None
) -> EmotionTrack | None:
    """What the curves of the pipeline at ``place`` say; None where it has no keys.

    Times are in seconds from the frame ``begin`` on, whole samples at 16 kHz, the first is 0;
    values (K, 10). ``rest`` as in ``emotion_curves.sample``.
    """
    curves = [curve for curve in curves_of(scene, place).values() if len(curve.keyframe_points)]
    if not curves:
        return None
    frames = needed_frames([curve for curve in curves if not curve.mute], begin, scene.frame_end)
    samples = (frames - begin) / float(scene_rate(scene)) * SAMPLE_RATE
    whole, kept = np.unique(np.floor(samples + 0.5).astype(np.int64), return_index=True)
    values = sample(scene, place, frames[kept], rest)
    stays = turns(values)
    return EmotionTrack(whole[stays] / SAMPLE_RATE, values[stays])


def needed_frames(curves: Sequence[Any], begin: float, end: float) -> Array:
    """Frames (T,) float64 from ``begin`` on between which all curves are straight, in order.

    After their last key curves stay as they are. Those that go on (straight or in cycles) or have
    modifiers are read up to the frame ``end``, or to the last key of any curve if that is later.
    """
    spans: list[tuple[float, float]] = []
    exact = [np.array([begin])]
    last = max([end, *(float(curve.range()[1]) for curve in curves)])
    for curve in curves:
        keys = read_keys(curve)
        frames = keys["co"][:, 0].astype(np.float64)
        exact.append(frames)
        if len(curve.modifiers) or curve.extrapolation != "CONSTANT":
            spans.append((begin, last))
            continue
        curved, steps = _shapes(keys)
        before = np.ceil(frames[1:] - _JUST_BEFORE) - 1
        exact.append(np.maximum(before[steps], frames[:-1][steps]))
        spans += list(zip(frames[:-1][curved], frames[1:][curved], strict=True))
    found = np.unique(np.concatenate([*exact, *_whole_frames(spans, begin)]))
    return found[found >= begin]


def turns(values: Array) -> Array:
    """Which rows (K,) bool of values (K, E) are needed: not those between two that are equal."""
    same = (values[1:] == values[:-1]).all(axis=1)
    needed = np.ones(len(values), bool)
    needed[1:-1] = ~(same[:-1] & same[1:])
    if len(values) > 1 and same[-1]:
        needed[-1] = False  # the last value is held anyway
    return needed


def _shapes(keys: dict[str, Array]) -> tuple[Array, Array]:
    """Which stretches between two keys are curved, and which are a step."""
    items = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items
    kind = keys["interpolation"][:-1]
    straight, step = (kind == int(items[name].value) for name in ("LINEAR", "CONSTANT"))
    heights = [keys["co"][:-1, 1], keys["co"][1:, 1]]
    heights += [keys["handle_right"][:-1, 1], keys["handle_left"][1:, 1]]
    flat = np.ptp(np.stack(heights), axis=0) == 0
    flat &= kind == int(items["BEZIER"].value)
    return ~(straight | step | flat), step


def _whole_frames(spans: list[tuple[float, float]], begin: float) -> list[Array]:
    """The whole frames of all spans; every second, third ... where they are very many."""
    inside = [(max(first, begin), last) for first, last in spans if last > begin]
    total = sum(last - first for first, last in _merged(inside))
    step = max(1, int(np.ceil(total / MOST_FRAMES)))
    return [
        np.arange(np.ceil(first), np.floor(last) + 1, step, dtype=np.float64)
        for first, last in _merged(inside)
    ]


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same spans in order, those that touch as one."""
    found: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found

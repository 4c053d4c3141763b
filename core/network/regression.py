# SPDX-License-Identifier: GPL-3.0-or-later
"""Regression networks: one window of the voice gives one frame, independent of all others.

Inputs ``input`` [B, 1, window] and ``emotion`` [B, 1, implicit + explicit], output ``result``
[B, 1, skin | tongue | jaw | eyes].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np

from .. import limits
from ..arrays import Floats, Integers
from ..emotion.track import EmotionTrack, implicit_vector
from ..models.model import Model
from ..motion import Motion
from ..parameters import Settings
from ..windows import WindowPlan, gather
from .devices import OpenNetwork
from .running import Meter, check_shape, run


def emotion_rows(
    model: Model, targets: Integers, emotion: EmotionTrack, settings: Settings
) -> Floats:
    """What the network is given as emotion at the samples ``targets`` (T,): (T, I + E) float32.

    The implicit part is the same in every row. Raises UserError for an unknown source shot.
    """
    info = model.info
    rows = np.empty((len(targets), info.emotion_length), np.float32)
    implicit = implicit_vector(model, settings.source_shot, settings.source_frame)
    rows[:, : info.implicit_length] = implicit
    rows[:, info.implicit_length :] = emotion.sample(targets / limits.SAMPLE_RATE)
    return rows


def windowed(
    opened: OpenNetwork,
    model: Model,
    samples: Floats,
    plan: WindowPlan,
    emotions: Floats,
    gain: float,
    meter: Meter,
) -> Floats:
    """Run the network on every window of the plan: rows (T, result length) float32.

    ``emotions`` (T, I + E) as from ``emotion_rows``. Raises Cancelled and UserError.
    """

    def hear(first: int, last: int) -> Floats:
        return gather(samples, plan, first, last, gain)

    return run_batches(opened, model, hear, emotions, meter)


def run_batches(
    opened: OpenNetwork,
    model: Model,
    hear: Callable[[int, int], Floats],
    emotions: Floats,
    meter: Meter,
) -> Floats:
    """Rows (T, result length) float32 for emotions (T, I + E), batch by batch.

    ``hear(first, last)`` gives the windows (last - first, window) of some of them; it may be called
    from other threads. Raises Cancelled and UserError.
    """
    count = len(emotions)
    results = np.zeros((count, model.info.result_length), np.float32)

    def say(piece: tuple[int, int]) -> Meter:
        part, (first, last) = Meter(), piece
        results[first:last] = _run_batch(
            opened, model, hear(first, last), emotions[first:last], part
        )
        return part

    done = 0
    batches = _one_by_one(count) if model.live else _batches(count, opened.light)
    for part in opened.spread(say, batches, meter.check):
        meter.join(part)
        done += part.frames
        meter.tell(done / count)
    return results


def _batches(count: int, light: bool) -> Iterator[tuple[int, int]]:
    """First and last frame of each batch.

    Those of a light network are nearly equal, so that lanes end together; large ones all but the
    last are the same, because a graphics card prepares itself for each size.
    """
    if light:
        parts = -(-count // limits.LIGHT_NETWORK_BATCH)
        return pairwise(count * part // parts for part in range(parts + 1 if parts else 0))
    steps = range(0, count, limits.NETWORK_BATCH)
    return ((first, min(first + limits.NETWORK_BATCH, count)) for first in steps)


def _one_by_one(count: int) -> Iterator[tuple[int, int]]:
    """A batch for each frame, as they come in live: larger ones give the same only to rounding."""
    return ((frame, frame + 1) for frame in range(count))


def _run_batch(
    opened: OpenNetwork, model: Model, windows: Floats, emotions: Floats, meter: Meter
) -> Floats:
    feeds = {"input": windows[:, None, :], "emotion": emotions[:, None, :]}
    result = run(opened.session, "result", feeds, model.network_path, meter)
    check_shape(result, (len(windows), 1, model.info.result_length), model.network_path)
    meter.frames += len(windows)
    return result[:, 0]


def split_result(model: Model, results: Floats, fps: Fraction) -> Motion:
    """Cut the network's rows (T, result length) into skin | tongue | jaw | eyes."""
    info = model.info
    sizes = (info.skin_shapes, info.tongue_shapes, info.jaw_size)
    skin, tongue, jaw, eyes = np.split(results, np.cumsum(sizes), axis=1)
    return Motion(
        skin=np.ascontiguousarray(skin),
        tongue=np.ascontiguousarray(tongue),
        jaw=np.ascontiguousarray(jaw).reshape(-1, info.jaw_size // 3, 3),
        eyes=np.ascontiguousarray(eyes).reshape(-1, 2, 2),
        fps=fps,
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Regression networks: one window of the voice gives one frame, independent of all others.

Inputs ``input`` [B, 1, window] and ``emotion`` [B, 1, implicit + explicit], output ``result``
[B, 1, skin | tongue | jaw | eyes].
"""

from __future__ import annotations

from fractions import Fraction

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
    count = plan.frame_count
    results = np.zeros((count, model.info.result_length), np.float32)
    light = model.network_path.stat().st_size <= limits.LIGHT_NETWORK_BYTES
    batch = limits.LIGHT_NETWORK_BATCH if light else limits.NETWORK_BATCH
    for first in range(0, count, batch):
        meter.check()
        last = min(first + batch, count)
        windows = gather(samples, plan, first, last, gain)
        results[first:last] = run_batch(opened, model, windows, emotions[first:last], meter)
        meter.tell(last / count)
    return results


def run_batch(
    opened: OpenNetwork, model: Model, windows: Floats, emotions: Floats, meter: Meter
) -> Floats:
    """Rows (B, result length) for windows (B, window) and emotions (B, I + E). Raises UserError."""
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

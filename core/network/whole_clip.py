# SPDX-License-Identifier: GPL-3.0-or-later
"""Regression networks that take a long voice at once.

A folder may hold the same network a second time, as one that slides over the voice: inputs
``input`` [B, 1, N] and ``emotion`` [B, T, implicit + explicit], output ``result``
[B, T, result length], T = (N - window) / stride + 1; row t is what the windowed network gives for
the window that begins at sample t * stride. Neighbouring windows overlap almost wholly, so this
spares most of the work.

Frames begin where ``windows`` says, not on multiples of the stride: at 60 fps every 266 or 267
samples. All starts with the same remainder, a *phase*, are one run over the voice shifted by that
remainder; 60 fps has three of them with a stride of 160. Frames are the same as windowed ones, to
rounding.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import limits
from ..arrays import Floats, Integers
from ..models.model import Model
from ..windows import WindowPlan, segment
from .devices import OpenNetwork
from .running import Meter, check_shape, run


def suits(plan: WindowPlan, stride: int) -> bool:
    """Whether a plan's frames fall on few enough phases for this to be the faster way."""
    if stride <= 0 or not plan.frame_count:
        return False
    phases = len(np.unique(plan.starts % stride))
    # A run's row costs about 2 strides / window of a window, and each phase makes 1 / stride rows.
    worth = 2 * phases * limits.SAMPLE_RATE <= plan.fps * plan.length
    return worth and phases <= limits.MAX_CLIP_PHASES


def slid(
    opened: OpenNetwork,
    model: Model,
    samples: Floats,
    plan: WindowPlan,
    emotions: Floats,
    gain: float,
    meter: Meter,
) -> Floats:
    """Rows (T, result length) float32 of every frame of the plan, as ``regression.windowed``.

    The voice is cut into parts of bounded length. Raises Cancelled and UserError.
    """
    results = np.zeros((plan.frame_count, model.info.result_length), np.float32)

    def say(frames: Integers) -> Meter:
        part = Meter(frames=len(frames))
        results[frames] = _slide(
            opened, model, samples, plan.starts[frames], emotions[frames], gain, part
        )
        return part

    done = 0
    for part in opened.spread(say, _runs(plan, model.info.clip_stride), meter.check):
        meter.join(part)
        done += part.frames
        meter.tell(done / plan.frame_count)
    return results


def _runs(plan: WindowPlan, stride: int) -> Iterator[Integers]:
    """The frames of each run: those of one phase in one part of the voice."""
    first = 0
    while first < plan.frame_count:
        limit = plan.starts[first] + limits.CLIP_PART_SAMPLES
        last = max(first + 1, int(np.searchsorted(plan.starts, limit, "left")))
        phases = plan.starts[first:last] % stride
        for phase in np.unique(phases):
            yield first + np.flatnonzero(phases == phase)
        first = last


def _slide(
    opened: OpenNetwork,
    model: Model,
    samples: Floats,
    starts: Integers,
    emotions: Floats,
    gain: float,
    meter: Meter,
) -> Floats:
    """Rows of frames whose windows begin at ``starts`` (F,), all with the same phase."""
    info = model.info
    low = int(starts[0])
    positions = (starts - low) // info.clip_stride
    count = int(positions[-1]) + 1
    voice = segment(samples, low, int(starts[-1]) + info.window_length, gain)
    # Positions between two frames are computed too and thrown away; their emotion does not matter.
    rows = np.zeros((count, emotions.shape[1]), np.float32)
    rows[positions] = emotions
    path = model.clip_network_path or model.network_path
    feeds = {"input": voice[None, None], "emotion": rows[None]}
    result = run(opened.clip, "result", feeds, path, meter)
    check_shape(result, (1, count, info.result_length), path)
    return result[0, positions]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Running an Audio2Emotion network: which emotions a voice has, window by window.

Input ``input_values`` [B, L] samples at 16 kHz, output ``output`` [B, labels] logits. A window of L
samples speaks for its middle; what lies outside the voice is silence. The voice is taken as it is:
neither the face's input strength nor any normalisation changes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from .. import limits
from ..arrays import Floats, Integers
from ..errors import Cancelled, UserError
from ..models.model import EmotionModel
from ..network.devices import OpenNetwork, open_network
from ..network.running import check_shape, failed
from ..parameters import Settings
from ..windows import WindowProgress, count_frames, exact_fps, segment

_HINT = "Download the model again, or choose another."
# Lengths that the published networks are made for. The longest is what the published samples use
# frame by frame: most of the voice is heard, and one run a second costs little.
SHORTEST, LONGEST = 5_000, 60_000
_BATCH = 4  # the network's first layers keep some 25 MB per window of the longest length
_INTERVAL_DENOMINATOR = 1_000_000

Progress = Callable[[float], None]
Check = Callable[[], bool]
Mode = Literal["frames", "keys"]


@dataclass(frozen=True)
class Detector:
    """An Audio2Emotion folder and its network, ready to hear."""

    model: EmotionModel
    network: OpenNetwork

    def length(self, wanted: int) -> int:
        """The samples per window nearest to ``wanted`` that the network takes."""
        fixed = _axes(self.network.session.get_inputs()[0])[1]
        if isinstance(fixed, int):
            return fixed
        return min(max(wanted, SHORTEST), LONGEST)


@dataclass(frozen=True)
class Detection:
    """What was heard, before any mixing.

    ``mode``     "frames": a row per frame of ``fps``; "keys": a row per key of the timeline
    ``samples``  (n,) int64 times of the rows, samples at 16 kHz
    ``logits``   (n, labels) float32; may hold values that are no numbers where a network said so
    ``targets``  for each label its place among the ten emotions, -1 for neutral
    ``fps``      frames per second; None for keys
    """

    mode: Mode
    samples: Integers
    logits: Floats
    targets: tuple[int, ...]
    fps: Fraction | None = None


def open_emotion_session(model: EmotionModel, threads: int = 0, device: str = "cpu") -> OpenNetwork:
    """Open an Audio2Emotion network; names and shapes of its tensors are checked.

    Raises UserError when the file is no usable network, or does not fit its network_info.json.
    """
    opened = open_network(model.network_path, device, threads)
    _check_signature(opened.session, model)
    return opened


def _axes(value: Any) -> list[Any]:
    return list(value.shape)


def _check_signature(session: Any, model: EmotionModel) -> None:
    path, labels = model.network_path, len(model.emotions)
    if model.sample_rate != limits.SAMPLE_RATE:
        raise UserError(
            f"The network {path} wants {model.sample_rate} samples per second instead of "
            f"{limits.SAMPLE_RATE}.",
            _HINT,
        )
    found = {value.name: value for value in [*session.get_inputs(), *session.get_outputs()]}
    for name, second in (("input_values", "length"), ("output", labels)):
        value = found.get(name)
        if value is None:
            raise UserError(f"The network {path} has no tensor called {name!r}.", _HINT)
        axes = _axes(value)
        fits = len(axes) == 2 and not isinstance(axes[0], int) and value.type == "tensor(float)"
        if fits and isinstance(axes[1], int):
            fits = SHORTEST <= axes[1] <= LONGEST if name == "input_values" else axes[1] == labels
        if not fits:
            raise UserError(
                f"The network {path} does not fit its network_info.json: {name!r} is {axes} "
                f"instead of [batch, {second}].",
                _HINT,
            )
    extra = {value.name for value in session.get_inputs()} - {"input_values"}
    if extra:
        raise UserError(
            f"The network {path} wants unknown inputs: {', '.join(sorted(extra))}.", _HINT
        )


# ---- which windows ------------------------------------------------------------------------------


def default_skip(fps: Fraction, length: int = LONGEST) -> int:
    """Frames that reuse the last window: one window about every second, as published (30 at 30).

    Never so many that a part of the voice is in no window.
    """
    most = max(math.floor(length * fps / limits.SAMPLE_RATE) - 1, 0)
    return min(math.floor(fps), most)


def frame_windows(fps: Fraction, length: int, skip: int) -> WindowProgress:
    """Windows of ``length`` samples, centred on every (skip + 1)-th frame.

    Raises UserError when a part of the voice would be in no window.
    """
    stride = limits.SAMPLE_RATE / exact_fps(fps) * (skip + 1)
    if skip < 0 or stride > length:
        raise UserError(
            f"Emotion cannot be detected every {skip + 1} frames: {length} samples are heard at a "
            f"time, and {math.ceil(stride)} lie between.",
            "Skip fewer frames.",
        )
    return WindowProgress(length, -(length // 2), length // 2, stride)


def key_windows(detector: Detector, settings: Settings) -> WindowProgress:
    """Windows of ``detection_range`` seconds, centred on the keys of the timeline.

    A network that takes one length only hears that much.
    """
    length = detector.length(round(settings.detection_range * limits.SAMPLE_RATE))
    interval = Fraction(settings.key_interval).limit_denominator(_INTERVAL_DENOMINATOR)
    return WindowProgress(length, -(length // 2), length // 2, interval * limits.SAMPLE_RATE)


# ---- running ------------------------------------------------------------------------------------


def hear(
    detector: Detector,
    samples: Floats,
    windows: WindowProgress,
    first: int,
    last: int,
    progress: Progress | None = None,
    cancelled: Check | None = None,
    origin: int = 0,
) -> Floats:
    """Logits (last - first, labels) float32 of the windows first..last-1 of a voice.

    ``samples`` holds the voice at 16 kHz from its sample ``origin`` on; outside is silence.
    ``progress`` is told the share done, ``cancelled`` is asked every few windows.
    Raises Cancelled, and UserError when the network fails.
    """
    logits = np.zeros((last - first, len(detector.model.emotions)), np.float32)
    for at in range(first, last, _BATCH):
        if cancelled is not None and cancelled():
            raise Cancelled
        end = min(at + _BATCH, last)
        batch = np.stack([
            segment(samples, windows.start_of(k), windows.end_of(k), origin=origin)
            for k in range(at, end)
        ])  # fmt: skip
        logits[at - first : end - first] = _run(detector, batch)
        if progress is not None:
            progress((end - first) / (last - first))
    return logits


def _run(detector: Detector, batch: Floats) -> Floats:
    """One run of the network. Its values may be no numbers: that is left to the mixing."""
    path = detector.model.network_path
    try:
        (result,) = detector.network.session.run(["output"], {"input_values": batch})
    except Exception as error:  # the runtime's own exceptions share no public base
        raise failed(path, error) from error
    found = np.asarray(result, np.float32)
    check_shape(found, (len(batch), len(detector.model.emotions)), path)
    return found


def detect_frames(
    detector: Detector,
    samples: Floats,
    fps: Fraction,
    length: int = LONGEST,
    skip: int | None = None,
    progress: Progress | None = None,
    cancelled: Check | None = None,
    ahead: int | None = None,
) -> Detection:
    """What is heard at each frame of a whole voice (N,) float32 at 16 kHz.

    ``length`` samples are heard at a time (brought to what the network takes); ``skip`` frames
    reuse the last window, None takes ``default_skip``. With ``ahead`` a frame has the last window
    that ends at most so many samples after it, and no numbers before there is one: what a live
    face knows (``stream.EmotionStream``). Raises UserError and Cancelled.
    """
    fps = exact_fps(fps)
    length = detector.length(length)
    skip = default_skip(fps, length) if skip is None else skip
    windows = frame_windows(fps, length, skip)
    count = windows.closed_count(len(samples))
    logits = hear(detector, samples, windows, 0, count, progress, cancelled)
    frames = np.arange(count_frames(len(samples), fps), dtype=np.int64)
    times = frames * (limits.SAMPLE_RATE * fps.denominator) // np.int64(fps.numerator)
    heard = frames // (skip + 1)
    if ahead is not None:
        complete = [windows.open_count(int(time) + ahead) - 1 for time in times]
        heard = np.minimum(heard, np.array(complete, np.int64))
    rows = np.where(heard[:, None] < 0, np.float32(np.nan), logits[heard])
    return Detection("frames", times, rows, detector.model.targets, fps)


def detect_keys(
    detector: Detector,
    samples: Floats,
    settings: Settings,
    progress: Progress | None = None,
    cancelled: Check | None = None,
) -> Detection:
    """What is heard around each key of the timeline of a whole voice (N,) float32 at 16 kHz.

    Keys are at 0 and every ``key_interval`` seconds, the last at or after the voice's end.
    Raises UserError and Cancelled.
    """
    windows = key_windows(detector, settings)
    count = windows.closed_count(len(samples)) + 1
    logits = hear(detector, samples, windows, 0, count, progress, cancelled)
    times = np.array([windows.target_of(key) for key in range(count)], np.int64)
    return Detection("keys", times, logits, detector.model.targets)

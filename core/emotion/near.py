# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion near a moment of a voice, without hearing or mixing all of it.

As ``source.mix_emotion`` over the whole voice gives it there: keys hang on their neighbours only,
and frame by frame the filters forget (``EmotionMixer.memory``).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np

from ..arrays import Floats, Integers
from ..parameters import Settings
from ..windows import WindowProgress, count_frames, frame_samples
from .detection import (
    LONGEST,
    Detection,
    Detector,
    default_skip,
    frame_windows,
    hear,
    key_windows,
)
from .mixing import EmotionMixer, MixSettings
from .source import EmotionSource, mix_emotion, preferred_emotion
from .track import EmotionTrack

TOLERANCE = 1e-6  # of an emotion's strength
Heard = Callable[[int, int], Floats]  # logits of the windows first .. last - 1


class HeardWindows:
    """What a detector hears in windows of one voice; each is heard once."""

    def __init__(self) -> None:
        self.rows: dict[int, Floats] = {}

    def logits(
        self, detector: Detector, samples: Floats, windows: WindowProgress, first: int, last: int
    ) -> Floats:
        """Logits (last - first, labels) float32. Raises UserError."""
        missing = [window for window in range(first, last) if window not in self.rows]
        breaks = [place for place, (a, b) in enumerate(pairwise(missing), 1) if b != a + 1]
        for low, high in pairwise([0, *breaks, len(missing)] if missing else []):
            begin = missing[low]
            found = hear(detector, samples, windows, begin, begin + high - low)
            self.rows.update(zip(range(begin, begin + high - low), found, strict=True))
        return np.stack([self.rows[window] for window in range(first, last)])


def windows_of(
    source: EmotionSource, settings: Settings, fps: Fraction, detector: Detector
) -> WindowProgress:
    """The windows that ``source.detect`` hears."""
    if source.mode == "keys":
        return key_windows(detector, settings)
    length = detector.length(LONGEST)
    return frame_windows(fps, length, default_skip(fps, length))


def emotion_near(
    source: EmotionSource,
    settings: Settings,
    fps: Fraction,
    detector: Detector,
    total: int,
    frames: tuple[int, int],
    heard: Heard,
) -> EmotionTrack:
    """The emotion (K, 10) in the frames first .. last of a voice of ``total`` samples.

    ``heard`` gives the logits of the windows of ``windows_of``. Raises UserError.
    """
    near = _keys if source.mode == "keys" else _frames
    return near(source, settings, fps, detector, total, frames, heard)


def _keys(
    source: EmotionSource,
    settings: Settings,
    fps: Fraction,
    detector: Detector,
    total: int,
    frames: tuple[int, int],
    heard: Heard,
) -> EmotionTrack:
    windows = key_windows(detector, settings)
    count = windows.closed_count(total) + 1
    begin, end = (int(frame_samples(1, fps, frame)[0]) for frame in frames)
    # The last key at or before the first frame, the first one after the last; or one more
    first = max(_key_about(windows, begin) - 1, 0)
    last = min(_key_about(windows, end) + 3, count)
    radius = settings.key_smoothing
    low, high = max(first - radius, 0), min(last + radius, count)
    times = np.array([windows.target_of(key) for key in range(low, high)], np.int64)
    detection = Detection("keys", times, heard(low, high), detector.model.targets)
    track = mix_emotion(source, settings, detection, detector)
    inner = slice(first - low, last - low)
    return EmotionTrack(track.times_s[inner], track.values[inner])


def _key_about(windows: WindowProgress, sample: int) -> int:
    """The last key at or before a sample, or the one before that."""
    return int(sample * windows.stride.denominator // windows.stride.numerator)


def _frames(
    source: EmotionSource,
    settings: Settings,
    fps: Fraction,
    detector: Detector,
    total: int,
    frames: tuple[int, int],
    heard: Heard,
) -> EmotionTrack:
    mixer = EmotionMixer(MixSettings.of(settings, detector.model.targets, source.beginning), fps)
    wished = preferred_emotion(source, settings, detector) is not None
    first = frames[0] - mixer.memory(TOLERANCE, frames[0], wished)
    last = min(frames[1] + 1, count_frames(total, fps))
    skip = default_skip(fps, detector.length(LONGEST))
    window: Integers = np.arange(first, last, dtype=np.int64) // (skip + 1)
    logits = heard(int(window[0]), int(window[-1]) + 1)[window - window[0]]
    times = frame_samples(last - first, fps, first)
    detection = Detection("frames", times, logits, detector.model.targets, fps)
    return mix_emotion(source, settings, detection, detector)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion of a voice that is still coming in: the rows of ``source``, as they are known.

An Audio2Emotion window speaks for its middle, so a row is certain only once half a window more has
been heard (1.9 s at the longest). A live face that cannot wait so long says how far ``ahead`` it
listens: each frame then holds the last emotion that was heard completely by then, which is that of
a little earlier, and neutral before the first. What comes out never depends on how the voice was
cut into blocks.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..arrays import Floats, Integers
from ..errors import UserError
from ..parameters import Settings
from ..windows import count_frames, exact_fps, frame_samples
from .detection import LONGEST, Detector, default_skip, frame_windows, hear
from .mixing import COUNT, EmotionMixer, MixSettings, MixState, blend
from .source import EmotionSource, columns, hand_made, preferred_emotion
from .track import EmotionAccumulator


class EmotionStream:
    """``push`` samples, get the emotion of the frames that are certain; ``finish`` gives the rest.

    ``names``   emotions of the face's network: the columns of the rows
    ``length``  samples heard at a time, ``skip`` frames that reuse them, as in ``detect_frames``
    ``ahead``   samples after a frame that may be waited for; None waits for all of its window, so
                that rows equal those of the whole voice
    ``keys``    emotion keys that come in while the voice does, vectors of 10; they take the place
                of ``source.keys``, and no row is given beyond the last of them

    Auto-emotion over a timeline's keys needs the whole voice; live it is done frame by frame.
    Raises UserError for keys that do not have 10 values each.
    """

    def __init__(
        self,
        source: EmotionSource,
        settings: Settings,
        fps: Fraction,
        names: tuple[str, ...],
        detector: Detector | None = None,
        *,
        length: int = LONGEST,
        skip: int | None = None,
        ahead: int | None = None,
        keys: EmotionAccumulator | None = None,
    ) -> None:
        if keys is not None and keys.size != COUNT:
            raise UserError(f"Emotion keys need {COUNT} values each, one per emotion.")
        source = replace(source, mode="off" if source.mode == "off" else "frames")
        self._detector = None if source.mode == "off" else detector
        self._fps, self._names, self._keys = exact_fps(fps), names, keys
        self._base = keys or EmotionAccumulator.of(hand_made(source, settings))
        self._preferred = self._wished(source, settings)
        self._frames = 0  # given out so far
        self._heard = 0  # samples
        self._buffer = np.zeros(0, np.float32)  # the voice from sample _origin on
        self._origin = 0
        targets: tuple[int, ...] = ()
        self._ahead = 0
        if self._detector is not None:
            length = self._detector.length(length)
            self._skip = default_skip(self._fps, length) if skip is None else skip
            self._windows = frame_windows(self._fps, length, self._skip)
            self._ahead = length - length // 2 if ahead is None else ahead
            targets = self._detector.model.targets
        self._mix = MixSettings.of(settings, targets, source.beginning)
        self._mixer = EmotionMixer(self._mix, self._fps)
        self._state: MixState | None = None
        # Logits of windows from _first_window on; before the first one nothing was heard
        self._first_window = -1
        self._logits = np.full((1, len(targets)), np.nan, np.float32)

    @property
    def frame_count(self) -> int:
        """Frames given out so far."""
        return self._frames

    @property
    def latency_samples(self) -> int:
        """Samples that have to be heard after a frame's own before its row is given out."""
        return self._ahead

    def push(self, samples: Floats) -> Floats:
        """Take (n,) float32 samples at 16 kHz; rows (m, E) float32 of the frames now certain."""
        self._heard += len(samples)
        if self._detector is not None:
            self._buffer = np.concatenate([self._buffer, np.asarray(samples, np.float32)])
        return self._advance(min(self._heard - 1, self._heard - self._ahead))

    def finish(self) -> Floats:
        """Rows (m, E) of the frames that are left. Keys that come in are closed.

        Raises UserError when keys were announced and none came.
        """
        if self._keys is not None and not self._keys.closed:
            self._keys.close()
        return self._advance(self._heard - 1)

    def _wished(self, source: EmotionSource, settings: Settings) -> EmotionAccumulator | None:
        fixed = source.override is not None or source.preferred is not None
        if self._keys is not None and self._detector is not None and not fixed:
            return self._keys
        track = preferred_emotion(source, settings, self._detector)
        return None if track is None else EmotionAccumulator.of(track)

    def _advance(self, last_sample: int) -> Floats:
        """Rows of the frames at or before ``last_sample``, as far as their keys are known."""
        needed = [self._preferred, self._base if self._detector is None else None]
        for keys in needed:
            if keys is not None and not keys.closed:
                known = keys.last_sample
                last_sample = min(last_sample, -1 if known is None else known)
        count = max(count_frames(last_sample + 1, self._fps) - self._frames, 0)
        times = frame_samples(count, self._fps, self._frames)
        rows = self._rows(times)
        self._frames += count
        if count:
            for keys in needed:
                if keys is not None:
                    keys.forget_before(int(times[-1]))
        return columns(rows, self._names)

    def _rows(self, times: Integers) -> Floats:
        if not len(times):
            return np.zeros((0, COUNT), np.float32)
        wished = None if self._preferred is None else self._preferred.sample(times)
        if self._detector is None:
            base = self._base.sample(times)
            return base if wished is None else blend(base, wished, self._mix).astype(np.float32)
        rows, self._state = self._mixer.block(
            self._heard_at(self._detector, times), wished, self._state
        )
        return rows

    def _heard_at(self, detector: Detector, times: Integers) -> Floats:
        """Logits (n, labels) for the frames at ``times``; not finite where nothing was heard."""
        frames = np.arange(self._frames, self._frames + len(times))
        complete = [self._windows.open_count(int(time) + self._ahead) - 1 for time in times]
        wanted = np.minimum(frames // (self._skip + 1), complete)
        next_window = self._first_window + len(self._logits)
        last = int(wanted[-1]) + 1
        if last > next_window:
            new = hear(
                detector, self._buffer, self._windows, next_window, last, origin=self._origin
            )
            self._logits = np.concatenate([self._logits, new])
        found: Floats = self._logits[wanted - self._first_window]
        self._forget(int(wanted[-1]))
        return found

    def _forget(self, window: int) -> None:
        """Drop logits before ``window``, and samples that no later window holds."""
        self._logits = self._logits[window - self._first_window :]
        self._first_window = window
        first_sample = self._windows.start_of(window + len(self._logits))
        drop = min(max(first_sample - self._origin, 0), len(self._buffer))
        self._buffer = self._buffer[drop:]
        self._origin += drop

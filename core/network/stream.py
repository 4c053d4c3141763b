# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening to a voice while it comes in: the frames of the whole voice, as soon as they can be.

While the voice goes on, a window is run when all its samples are there; once it has ended, silence
stands for what is missing. Frames whose emotion is not known yet wait for it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import numpy as np

from .. import limits
from ..arrays import Floats
from ..emotion.stream import EmotionStream
from ..emotion.track import EmotionTrack, implicit_vector
from ..errors import UserError
from ..models.model import Model
from ..motion import Motion, MotionShapes, first_source, frames_at_rate, joined, part_of
from ..parameters import Settings
from ..windows import WindowProgress, count_frames, frame_samples, windows_at
from . import regression
from .devices import OpenNetwork
from .diffusion import Inferences, timing_of
from .running import Meter


class LiveEmotion(Protocol):
    """The emotion of frames at the network's rate, as far as it is known."""

    def push(self, samples: Floats) -> None:
        """Take (n,) samples of the voice."""

    def close(self) -> None:
        """The voice has ended: everything is known now."""

    @property
    def ahead(self) -> int:
        """Samples after a frame that have to be heard before its emotion is known."""

    def rows(self, first: int, count: int) -> Floats:
        """Rows (m, E), m <= count, of the frames from ``first`` on; negative ones are before 0."""

    def forget_before(self, frame: int) -> None:
        """No frame before this one is asked for any more."""


class FixedEmotion:
    """Emotion that is known from the start."""

    def __init__(self, track: EmotionTrack, fps: Fraction) -> None:
        self._track, self._fps = track, fps

    def push(self, samples: Floats) -> None:
        pass

    def close(self) -> None:
        pass

    @property
    def ahead(self) -> int:
        return 0

    def rows(self, first: int, count: int) -> Floats:
        return self._track.sample(frame_samples(count, self._fps, first) / limits.SAMPLE_RATE)

    def forget_before(self, frame: int) -> None:
        pass


class HeardEmotion:
    """Emotion that comes out of a stream; before frame 0 and after the end it is held."""

    def __init__(self, stream: EmotionStream, size: int) -> None:
        self._stream = stream
        self._rows = np.zeros((0, size), np.float32)  # of the frames from _first on
        self._first = 0
        self._closed = False

    def push(self, samples: Floats) -> None:
        self._take(self._stream.push(samples))

    def close(self) -> None:
        self._take(self._stream.finish())
        self._closed = True

    @property
    def ahead(self) -> int:
        return self._stream.latency_samples

    def rows(self, first: int, count: int) -> Floats:
        known = self._first + len(self._rows)
        last = first + count if self._closed else min(first + count, known)
        if not len(self._rows) or last <= first:
            return np.zeros((0, self._rows.shape[1]), np.float32)
        frames = np.clip(np.arange(first, last), self._first, known - 1)
        found: Floats = self._rows[frames - self._first]
        return found

    def forget_before(self, frame: int) -> None:
        # The last row stays: it is held after the end.
        drop = min(frame - self._first, len(self._rows) - 1)
        if drop > 0:
            self._rows = self._rows[drop:]
            self._first += drop

    def _take(self, rows: Floats) -> None:
        self._rows = np.concatenate([self._rows, rows])


class _Voice:
    """The part of a voice that later windows still hear: its samples from ``origin`` on."""

    def __init__(self) -> None:
        self.samples = np.zeros(0, np.float32)
        self.origin = 0
        self.closed = False

    @property
    def end(self) -> int:
        """Samples that have come in so far."""
        return self.origin + len(self.samples)

    def add(self, samples: Floats) -> None:
        if self.closed:
            raise UserError("The voice has ended; no more of it can be taken.")
        self.samples = np.concatenate([self.samples, np.asarray(samples, np.float32)])

    def forget_before(self, sample: int) -> None:
        drop = min(max(sample - self.origin, 0), len(self.samples))
        self.samples = self.samples[drop:]
        self.origin += drop


class NetworkStream(Protocol):
    """A network that listens to a voice while it comes in.

    ``fps`` of its frames, ``sample_count`` samples taken so far, ``notices`` for the user
    """

    fps: Fraction

    @property
    def sample_count(self) -> int: ...

    @property
    def ahead(self) -> int:
        """Samples after a frame that have to be heard before it is there, at the most."""

    @property
    def notices(self) -> tuple[str, ...]: ...

    def push(self, samples: Floats) -> None:
        """Take (n,) float32 samples at 16 kHz. Raises UserError after ``close``."""

    def close(self) -> None:
        """The voice has ended."""

    def step(self, emotion: LiveEmotion) -> Motion | None:
        """Run the network once; the next frames, maybe none of them; None when it has to wait.

        Raises Cancelled and UserError.
        """

    def nothing(self) -> Motion:
        """No frames, in the form of the next ones."""

    def shapes_after(self, skin: int, tongue: int) -> MotionShapes:
        """Shapes of the motion so far, without the first ``skin`` and ``tongue`` of them."""


class RegressionStream:
    """Frames at any ``fps``; each waits for the part of its window that lies after it.

    That is half of it, 0.26 s, or less for a model of low delay (``Model.low_delay``).
    """

    def __init__(
        self, opened: OpenNetwork, model: Model, settings: Settings, fps: Fraction, meter: Meter
    ) -> None:
        info = model.info
        self.fps = fps
        self._opened, self._model, self._meter = opened, model, meter
        self._gain = settings.input_strength
        self._implicit = implicit_vector(model, settings.source_shot, settings.source_frame)
        shift = info.target_offset + round(settings.prediction_delay * limits.SAMPLE_RATE)
        stride = limits.SAMPLE_RATE / fps
        self._windows = WindowProgress(info.window_length, -shift, shift, stride)
        self._voice = _Voice()
        self._frame = 0

    def shapes_after(self, skin: int, tongue: int) -> MotionShapes:
        data = self._model.data
        return MotionShapes(data.skin_shapes[skin:], data.tongue_shapes[tongue:])

    @property
    def sample_count(self) -> int:
        return self._voice.end

    @property
    def ahead(self) -> int:
        return max(self._windows.end_of(0), 0)

    @property
    def notices(self) -> tuple[str, ...]:
        return ()

    def push(self, samples: Floats) -> None:
        self._voice.add(samples)

    def close(self) -> None:
        self._voice.closed = True

    def step(self, emotion: LiveEmotion) -> Motion | None:
        ready = self._windows.closed_count(self._voice.end)
        if not self._voice.closed:
            # A delayed face hears what is long past: its frames still have to be in the voice.
            ready = min(ready, self._windows.open_count(self._voice.end))
        wanted = min(ready - self._frame, limits.STREAM_FRAMES)
        rows = emotion.rows(self._frame, max(wanted, 0))
        if not len(rows):
            return None
        count = len(rows)
        starts = np.array(
            [self._windows.start_of(frame) for frame in range(self._frame, self._frame + count)],
            np.int64,
        )
        voice, size, gain = self._voice, self._windows.size, self._gain

        def hear(first: int, last: int) -> Floats:
            return windows_at(voice.samples, starts[first:last], size, gain, voice.origin)

        emotions = np.concatenate([np.tile(self._implicit, (count, 1)), rows], axis=1)
        results = regression.run_batches(self._opened, self._model, hear, emotions, self._meter)
        self._frame += count
        self._voice.forget_before(self._windows.start_of(self._frame))
        emotion.forget_before(self._frame)
        return regression.split_result(self._model, results, self.fps)

    def nothing(self) -> Motion:
        empty = np.zeros((0, self._model.info.result_length), np.float32)
        return regression.split_result(self._model, empty, self.fps)


class DiffusionStream:
    """Half a second of frames at a time; the first of them waits for 0.75 s after it."""

    def __init__(self, opened: OpenNetwork, model: Model, settings: Settings, meter: Meter) -> None:
        self._run = Inferences(opened, model, settings, meter)
        self._timing = timing_of(model, settings.prediction_delay)
        self.fps = self._timing.fps
        self._gain, self._meter = settings.input_strength, meter
        self._voice = _Voice()

    def shapes_after(self, skin: int, tongue: int) -> MotionShapes:
        return self._run.shapes_after(skin, tongue)

    @property
    def sample_count(self) -> int:
        return self._voice.end

    @property
    def ahead(self) -> int:
        timing = self._timing
        (first,) = frame_samples(1, self.fps, timing.first_frame(0)).tolist()
        return max(timing.windows.end_of(0) - int(first), 0)

    @property
    def notices(self) -> tuple[str, ...]:
        return self._run.notices()

    def push(self, samples: Floats) -> None:
        self._voice.add(samples)

    def close(self) -> None:
        self._voice.closed = True

    def step(self, emotion: LiveEmotion) -> Motion | None:
        if not self._ready():
            return None
        index, timing = self._run.index, self._timing
        first = timing.first_frame(index)
        rows = emotion.rows(first, timing.info.center)
        if len(rows) < timing.info.center:
            return None
        self._meter.check()
        window = timing.window(self._voice.samples, index, self._gain, self._voice.origin)
        motion = self._run.step(window, rows, count_frames(self._voice.end, self.fps))
        self._voice.forget_before(timing.windows.start_of(index + 1))
        emotion.forget_before(first + timing.info.center)
        return motion

    def nothing(self) -> Motion:
        return self._run.nothing()

    def _ready(self) -> bool:
        index, timing, end = self._run.index, self._timing, self._voice.end
        if self._voice.closed:
            return index < timing.inferences(count_frames(end, self.fps))
        return timing.windows.end_of(index) <= end and int(timing.targets(index)[-1]) < end


def network_stream(
    opened: OpenNetwork, model: Model, settings: Settings, fps: Fraction, meter: Meter
) -> NetworkStream:
    """The stream for a model's family; diffusion has its own rate. Raises UserError."""
    if model.info.diffusion is not None:
        return DiffusionStream(opened, model, settings, meter)
    return RegressionStream(opened, model, settings, fps, meter)


class RateStream:
    """A motion that comes in at one rate, given out at another: ``at_rate``, block by block."""

    def __init__(self, fps: Fraction, source: Motion) -> None:
        self._fps, self._frame = fps, 0
        self._pending = source  # frames of the source from _origin on
        self._origin = 0

    def push(self, motion: Motion) -> Motion:
        """Take the next frames of the source; give those that no later ones can change."""
        self._pending = joined([self._pending, motion])
        known = self._origin + self._pending.frame_count
        # Frames up to the time of the last one that there is are certain.
        last = first_source(known - 1, self._pending.fps, self._fps) + 1
        return self._give(max(last, self._frame))

    def finish(self, count: int) -> Motion:
        """The frames that are left of ``count`` in all; the source's last one is held."""
        return self._give(max(count, self._frame))

    def _give(self, last: int) -> Motion:
        source = self._pending.fps
        found = frames_at_rate(self._pending, self._fps, self._frame, last, self._origin)
        self._frame = last
        first = first_source(last, self._fps, source) - self._origin
        drop = max(min(first, self._pending.frame_count - 1), 0)
        self._pending = part_of(self._pending, drop)
        self._origin += drop
        return found

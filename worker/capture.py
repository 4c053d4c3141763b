# SPDX-License-Identifier: GPL-3.0-or-later
"""What a microphone gives, in order: measured, recorded and kept for the face.

The device's thread only copies blocks into a bounded queue (``callback``). ``step`` takes them out
on whatever thread; a thread of its own calls it, so that a recording goes on while Blender or a
job stands still.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arrays import AnyArray, Floats
from ..core.errors import UserError
from .recording import Recording

QUEUE_S = 10.0  # of sound between the device and ``step``
BACKLOG_S = 60.0  # of sound that waits for the face
LEVEL_S = 0.05  # of sound that a level is taken of
SILENT_S = 2.0  # of nothing but zeros: no real microphone is so quiet
DRIFT = 2e-4  # by which a device's clock may be slower than ours

LATE = UserError(
    f"The face has fallen {BACKLOG_S:.0f} s behind the microphone and has stopped following it.",
    "Choose a faster processor or a smaller model, and start live mode again.",
)


@dataclass(frozen=True)
class Level:
    """Of the last 50 ms, from 0 to 1 for full scale: the largest value and the root mean square."""

    peak: float
    rms: float


class Capture:
    """``rate`` and ``channels`` of the device; ``clock`` tells seconds that only grow.

    Counted in samples: ``captured`` so far, ``dropped`` that found no room in the queue. In times:
    ``overflows`` at which the device said that it lost some. ``began_s`` is the clock's time of the
    first sample, as far as one can tell, ``last_s`` that of the last block.
    ``troubles`` are sentences about what did not work out and has ended: recording, or the face.
    """

    def __init__(self, rate: int, channels: int, clock: Callable[[], float]) -> None:
        self.rate = rate
        self.captured = self.dropped = self.overflows = 0
        self.began_s = self.last_s = clock()
        self.muted = False
        self.recording: Recording | None = None
        self.troubles: list[str] = []
        self._channels, self._clock = channels, clock
        self._queue: deque[tuple[float, Floats]] = deque()
        self._put = self._taken = 0  # samples; each is written by one thread only
        self._arrived = threading.Event()
        self._lock = threading.RLock()
        self._backlog: deque[Floats] | None = None
        self._waiting = 0  # samples in it
        self._tail = np.zeros(0, np.float32)
        self._zeros = 0  # samples of nothing but zeros until now
        self._first = True

    def callback(self, block: AnyArray, count: int, _times: Any, flags: Any) -> None:
        """What the device calls with (n, channels) float32, on a thread of its own."""
        if flags and getattr(flags, "input_overflow", False):
            self.overflows += 1
        self.last_s = self._clock()
        if self._put - self._taken + count > self.rate * QUEUE_S:
            self.dropped += count
            return
        self._queue.append((self.last_s, np.array(block, np.float32)))
        self._put += count
        self._arrived.set()

    def wait(self, limit_s: float) -> None:
        """Wait until there is something for ``step``, but not longer than that."""
        self._arrived.wait(limit_s)
        self._arrived.clear()

    def step(self) -> None:
        """Take all that is in the queue by now."""
        with self._lock:
            for _ in range(len(self._queue)):
                arrived_s, block = self._queue.popleft()
                self._taken += len(block)
                self._take(arrived_s, block)

    def follow(self) -> None:
        """From now on, sound is kept for a face."""
        with self._lock:
            self._backlog = deque()

    def unfollow(self) -> None:
        """No face wants any more."""
        with self._lock:
            self._backlog, self._waiting = None, 0

    @property
    def followed(self) -> bool:
        return self._backlog is not None

    @property
    def waiting(self) -> int:
        """Samples that wait: in the queue and for the face."""
        return self._put - self._taken + self._waiting

    def next(self, limit: int) -> Floats:
        """The next samples for the face, (n,) float32, about ``limit`` at the most."""
        parts: list[Floats] = []
        with self._lock:
            while self._backlog and limit > 0:
                parts.append(self._backlog.popleft())
                limit -= len(parts[-1])
                self._waiting -= len(parts[-1])
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def mute(self, muted: bool) -> None:
        """From now on the voice is silence, for the face and for the recording."""
        with self._lock:
            self.step()
            self.muted = muted

    def record(self, recording: Recording | None) -> None:
        """From now on sound goes to this recording; the former one is closed."""
        with self._lock:
            self.step()
            if self.recording is not None:
                self.recording.close()
            self.recording = recording

    @property
    def level(self) -> Level:
        """Of what the device gives, muted or not."""
        with self._lock:
            tail = self._tail.astype(np.float64)
        if not len(tail):
            return Level(0.0, 0.0)
        return Level(float(np.abs(tail).max()), float(np.sqrt(np.mean(tail * tail))))

    @property
    def silent(self) -> bool:
        """Whether the device has given nothing but zeros for two seconds."""
        return self._zeros >= SILENT_S * self.rate

    def _take(self, arrived_s: float, block: Floats) -> None:
        mono = block[:, 0] if self._channels == 1 else block.mean(axis=1, dtype=np.float64)
        mono = np.ascontiguousarray(mono, np.float32)
        self.captured += len(mono)
        self._measure(mono)
        self._tell_time(arrived_s, len(mono))
        if self.muted:
            mono = np.zeros(len(mono), np.float32)
        if self.recording is not None:
            try:
                self.recording.write(mono)
            except UserError as error:
                self.recording.close()
                self.recording = None
                self.troubles.append(str(error))
        if self._backlog is None:
            return
        if self._waiting + len(mono) > BACKLOG_S * self.rate:
            self.unfollow()
            self.troubles.append(str(LATE))
            return
        self._backlog.append(mono)
        self._waiting += len(mono)

    def _measure(self, mono: Floats) -> None:
        clean = np.nan_to_num(mono, nan=0.0, posinf=0.0, neginf=0.0)
        self._tail = np.concatenate([self._tail, clean])[-round(self.rate * LEVEL_S) :]
        sounding = np.flatnonzero(mono)
        quiet = len(mono) - 1 - int(sounding[-1]) if len(sounding) else len(mono)
        self._zeros = quiet if len(sounding) else self._zeros + quiet

    def _tell_time(self, arrived_s: float, count: int) -> None:
        """The earliest that the blocks so far allow is the best guess; blocks may be late."""
        guess = arrived_s - self.captured / self.rate
        slow = self.began_s + DRIFT * count / self.rate
        self.began_s = guess if self._first else min(slow, guess)
        self._first = False

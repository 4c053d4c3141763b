# SPDX-License-Identifier: GPL-3.0-or-later
"""Microphones whose clock the test moves: only the device's callback is not the real thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from facewright.worker.calls import Call
from facewright.worker.file_microphone import PacedStream
from facewright.worker.kept import Kept
from facewright.worker.live_jobs import Lives
from facewright.worker.microphone import Callback, Microphone, OpenMicrophone


class Made:
    """A sound that is worked out from the number of each sample, so that all of them differ."""

    def __init__(self, values: Callable[[np.ndarray], np.ndarray], rate: int, channels: int = 1):
        self.samplerate, self.channels = rate, channels
        self._values, self._at = values, 0

    def read(self, frames: int, dtype: str, always_2d: bool) -> np.ndarray:
        assert dtype == "float32"
        assert always_2d
        numbers = np.arange(self._at, self._at + frames)
        self._at += frames
        return np.repeat(self._values(numbers)[:, None], self.channels, axis=1).astype(np.float32)

    def close(self) -> None:
        pass


class Array(Made):
    """A sound that is there as samples (n,); silence follows."""

    def __init__(self, samples: np.ndarray, rate: int):
        padded = np.concatenate([samples, np.zeros(1, np.float32)])
        super().__init__(lambda n: padded[np.minimum(n, len(samples))], rate)


class Desk:
    """One microphone on a table with a clock: ``pass_time`` lets seconds go by."""

    def __init__(self, sound: Any, kept: Kept | None = None, scratch: Path | None = None):
        self.now_s = 100.0
        self.stream: PacedStream | None = None
        self._sound = sound
        self._scratch = scratch
        self.lives = Lives(kept or Kept(), self, background=False)

    def clock(self) -> float:
        return self.now_s

    def all(self, again: bool = True) -> tuple[Microphone, ...]:
        return (Microphone("Desk", self._sound.channels, self._sound.samplerate, True),)

    def open(self, microphone: Microphone, rate: int, callback: Callback) -> OpenMicrophone:
        self.stream = PacedStream(self._sound, callback, self.clock, threaded=False)
        return OpenMicrophone(
            microphone.name, self._sound.samplerate, self._sound.channels, self.stream
        )

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        assert self.stream is not None
        self.stream.advance()

    def do(self, job: str, **args: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Ask the worker's side directly."""
        return getattr(self.lives, job)(self.call(session=args.pop("session", "one"), **args))

    def call(self, **args: Any) -> Call:
        """What a job is given."""
        return Call(args, {}, lambda *_: None, lambda: False, 1, self._scratch)

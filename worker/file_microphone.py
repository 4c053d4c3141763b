# SPDX-License-Identifier: GPL-3.0-or-later
"""A microphone that speaks a sound file in real time, then is silent: for tests and demos.

FACEWRIGHT_MICROPHONE=/path/to/voice.wav in Blender's environment makes it the only one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..core.arrays import Floats
from ..core.errors import UserError
from .microphone import (
    BLOCK_S,
    Callback,
    Microphone,
    Microphones,
    OpenMicrophone,
    SystemMicrophones,
)

VARIABLE = "FACEWRIGHT_MICROPHONE"


class Sound(Protocol):
    """What is played: a file as soundfile opens it, or what a test makes up."""

    @property
    def samplerate(self) -> int: ...

    @property
    def channels(self) -> int: ...

    def read(self, frames: int, dtype: str, always_2d: bool) -> Floats:
        """The next frames (n, channels); fewer at the end."""

    def close(self) -> None: ...


class PacedStream:
    """As sounddevice's ``InputStream``: gives each block when a clock says that it was spoken.

    With ``threaded`` it runs by itself in real time; else whoever moves the clock calls
    ``advance``.
    """

    latency = 0.0

    def __init__(
        self, sound: Sound, callback: Callback, clock: Callable[[], float], threaded: bool
    ) -> None:
        self._sound, self._callback, self._clock = sound, callback, clock
        self._size = max(1, round(sound.samplerate * BLOCK_S))
        self._block = np.empty((self._size, sound.channels), np.float32)  # one for all, as there
        self._given = 0
        self._began = 0.0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="file microphone", daemon=True)
        self._threaded = threaded
        self.active = False

    def start(self) -> None:
        """The voice begins now."""
        self.active = True
        self._began = self._clock()
        if self._threaded:
            self._thread.start()

    def close(self) -> None:
        """Give nothing more."""
        self.active = False
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._sound.close()

    def advance(self) -> float:
        """Give the blocks that are over by now; return the seconds until the next one is."""
        while (wait_s := self._over_at() - self._clock()) <= 0 and self.active:
            spoken = self._sound.read(self._size, dtype="float32", always_2d=True)
            self._block[: len(spoken)] = spoken
            self._block[len(spoken) :] = 0.0
            self._given += self._size
            self._callback(self._block, self._size, None, None)
        return wait_s

    def _over_at(self) -> float:
        return self._began + (self._given + self._size) / self._sound.samplerate

    def _run(self) -> None:
        wait_s = 0.0
        while not self._closed.wait(wait_s):
            wait_s = max(self.advance(), 0.0)


class FileMicrophone:
    """The one microphone that plays a file, from its beginning each time that it is opened."""

    clock = staticmethod(time.monotonic)

    def __init__(self, path: str) -> None:
        self._path = path

    def all(self, again: bool = True) -> tuple[Microphone, ...]:
        """See ``Microphones``."""
        with self._opened() as sound:
            name = f"File: {Path(self._path).name}"
            return (Microphone(name, sound.channels, sound.samplerate, default=True),)

    def open(self, microphone: Microphone, rate: int, callback: Callback) -> OpenMicrophone:
        """See ``Microphones``; always at the file's own rate."""
        sound = self._opened()
        stream = PacedStream(sound, callback, self.clock, threaded=True)
        return OpenMicrophone(microphone.name, sound.samplerate, sound.channels, stream)

    def _opened(self) -> Any:
        import soundfile

        try:
            return soundfile.SoundFile(self._path)
        except (OSError, RuntimeError) as error:  # LibsndfileError
            raise UserError(
                f"{VARIABLE} names {self._path}, which cannot be read as sound.",
                "Name a WAV or FLAC file.",
            ) from error


def microphones_here() -> Microphones:
    """The file that the environment names, else those of this computer."""
    path = os.environ.get(VARIABLE, "")
    return FileMicrophone(path) if path else SystemMicrophones()

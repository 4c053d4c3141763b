# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings: a file that grows while the microphone is on, and saving it under a name.

While it runs, a recording is a WAV file among the worker's own; the latest few stay there, so that
one that was not saved yet is still there after a crash.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..core.arrays import Floats
from ..core.errors import UserError
from ..core.files import atomic_path
from ..core.limits import MAX_RATE, MIN_RATE
from ..core.voice.names import checked_name, free_path
from ..core.voice.resampling import Resampler
from ..core.voice.wav import MAX_SAMPLES, WavWriter

KEPT = 8  # recordings that were not saved, the latest ones
FLUSH_S = 1.0  # of sound that a crash may cost
SAVED_RATE = 48_000  # as the manual has it
_BLOCK = 1 << 18  # samples that are saved at once


def folder_of(scratch: Path | None) -> Path:
    """Where recordings grow."""
    return (scratch or Path(tempfile.gettempdir()) / "facewright") / "recordings"


class Recording:
    """One recording: mono float32 at ``rate``. ``samples`` counts what it holds."""

    def __init__(self, folder: Path, rate: int) -> None:
        """Raises UserError when the file cannot be made."""
        self.rate = rate
        self.path = folder / f"{time.time_ns():x}.wav"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _tidy(folder)
            self._stream = self.path.open("xb")
            self._writer = WavWriter(self._stream, rate)
        except OSError as error:
            raise UserError(
                f"Nothing can be recorded: {self.path} cannot be written: "
                f"{error.strerror or error}.",
                "Free some space.",
            ) from error
        self._flush_at = 0

    @property
    def samples(self) -> int:
        return self._writer.samples

    @property
    def duration_s(self) -> float:
        return self.samples / self.rate

    def write(self, samples: Floats) -> None:
        """Add (n,) samples. Raises UserError when it cannot grow; what it holds stays."""
        try:
            if self.samples + len(samples) > MAX_SAMPLES:
                hours = MAX_SAMPLES / self.rate / 3600
                raise UserError(
                    f"The recording is {hours:.1f} hours long and was ended: a WAV file holds no"
                    " more."
                )
            self._writer.write(samples)
            if self.samples >= self._flush_at:
                self._writer.flush()
                self._flush_at = self.samples + round(FLUSH_S * self.rate)
        except OSError as error:
            raise UserError(
                f"The recording was ended: {self.path} cannot be written: "
                f"{error.strerror or error}.",
                "Free some space.",
            ) from error

    def close(self) -> None:
        """Nothing follows."""
        with suppress(OSError):  # what could be written is there
            self._writer.flush()
        with suppress(OSError):
            self._stream.close()


def save(
    recording: Path, folder: Path, name: str, rate: int, between: Callable[[float], object]
) -> tuple[Path, float]:
    """Write a recording whole or not at all; return its path and its seconds.

    It is ``name``.wav in ``folder``; a name that exists gets the next number. ``rate`` 0 keeps the
    recording's own, which keeps every sample. ``between`` is told the share done; what it raises
    ends the saving. Raises UserError.
    """
    import soundfile

    stem = checked_name(name)
    if rate and not MIN_RATE <= rate <= MAX_RATE:
        raise UserError(f"A rate of {rate} is not possible; {MIN_RATE} to {MAX_RATE} are.")
    try:
        sound = soundfile.SoundFile(recording)
    except (OSError, RuntimeError) as error:  # LibsndfileError
        raise UserError("The recording is no longer there.", "Record again.") from error
    with sound:
        if not sound.frames:
            raise UserError("The recording holds no sound.", "Record again.")
        target = free_path(folder, stem)
        own = int(sound.samplerate)
        with atomic_path(target) as temporary, temporary.open("r+b") as stream:
            writer = WavWriter(stream, rate or own)
            resampler = Resampler(own, target=rate or own)
            for _ in range(0, sound.frames, _BLOCK):
                writer.write(resampler.push(sound.read(_BLOCK, dtype="float32")))
                between(sound.tell() / sound.frames)
            writer.write(resampler.finish())
            writer.flush()
        return target, sound.frames / own


def _tidy(folder: Path) -> None:
    """Let go of old recordings."""
    with suppress(OSError):
        found = sorted(folder.glob("*.wav"), key=lambda path: path.stat().st_mtime)
        for old in found[: -(KEPT - 1)]:
            old.unlink()

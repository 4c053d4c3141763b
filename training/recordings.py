# SPDX-License-Identifier: GPL-3.0-or-later
"""Utterances as they are kept on disk: samples and the phones in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .phones import Segment


@dataclass(frozen=True)
class Recording:
    """A stored utterance: 16-bit samples at the recipe's rate and its phones."""

    samples: np.ndarray  # int16 (N,)
    segments: list[Segment]
    voice: str
    language: str
    family: str
    name: str

    @property
    def floats(self) -> np.ndarray:
        """The samples as float32 in -1..1."""
        return self.samples.astype(np.float32) / 32768.0


def write_recording(path: Path, recording: Recording) -> None:
    """Write one recording; a file that exists is always complete."""
    part = path.with_suffix(".part")
    with part.open("wb") as opened:
        np.savez(
            opened,
            samples=recording.samples,
            phones=np.array([s.phone for s in recording.segments]),
            times=np.array([(s.start, s.end) for s in recording.segments], np.float32),
            voice=recording.voice,
            language=recording.language,
        )
    part.rename(path)


def read_recording(path: Path) -> Recording:
    """Read what :func:`write_recording` wrote."""
    with np.load(path) as stored:
        segments = [
            Segment(str(phone), float(start), float(end))
            for phone, (start, end) in zip(stored["phones"], stored["times"], strict=True)
        ]
        return Recording(
            stored["samples"],
            segments,
            str(stored["voice"]),
            str(stored["language"]),
            path.stem.rpartition("_")[0],
            path.stem,
        )


def seconds_of(path: Path, rate: int) -> float:
    """How long a stored utterance lasts."""
    with np.load(path) as stored:
        return len(stored["samples"]) / rate

# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the training speech: one file per utterance, each drawn from its own seed.

Stopping and starting again goes on where it stopped and gives the same files.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .paths import cache_folder
from .phones import Segment
from .progress import Progress
from .recipe import Recipe
from .voices import FAMILIES, Utterance

PEAK = 0.6


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
            path.parent.name,
            path.stem,
        )


def spoken_files(family: str | None = None) -> list[Path]:
    """The utterances made so far, of one family or of all."""
    return sorted(cache_folder("speech").glob(f"{family or '*'}/*.npz"))


def make_speech(recipe: Recipe) -> None:
    """Speak every family's minutes, the fast families first."""
    for family in sorted(recipe.section("speech", "minutes"), key=lambda name: name != "hibari"):
        _speak_family(recipe, family)


def _speak_family(recipe: Recipe, family: str) -> None:
    wanted = 60.0 * recipe.section("speech", "minutes")[family]
    folder = cache_folder("speech", family)
    progress = Progress(f"speech {family}", wanted / 60, "min")
    done, number, engine = 0.0, 0, None
    while done < wanted:
        path = folder / f"{family}_{number:05d}.npz"
        if not path.exists():
            engine = engine or FAMILIES[family](recipe.section("speech", family))
            rng = random.Random(f"{recipe.seed} {family} {number}")  # noqa: S311
            recording = _stored(engine.speak(number, rng), recipe.section("speech")["rate"], path)
            write_recording(path, recording)
        done += len(read_recording(path).samples) / recipe.section("speech")["rate"]
        number += 1
        progress.update(done / 60, f"{number} utterances")
    progress.finish(done / 60, f"{number} utterances")


def _stored(utterance: Utterance, rate: int, path: Path) -> Recording:
    import soxr

    samples = soxr.resample(utterance.samples.astype(np.float32), utterance.rate, rate)
    loudest = max(float(np.abs(samples).max()), 1e-3)
    return Recording(
        (samples / loudest * PEAK * 32767).astype(np.int16),
        utterance.segments,
        utterance.voice,
        utterance.language,
        path.parent.name,
        path.stem,
    )

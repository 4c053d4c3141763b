# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the training speech: one file per utterance, each drawn from its own seed.

Stopping and starting again goes on where it stopped and gives the same files, however many
processes speak.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .own import own_files, read_own
from .paths import cache_folder
from .progress import Progress
from .recipe import Recipe
from .recordings import Recording, seconds_of, write_recording
from .side_by_side import results
from .voices import FAMILIES, Utterance

PEAK = 0.6


def speech_path(recipe: Recipe, family: str, number: int) -> Path:
    """Where an utterance is kept; another recipe for the voices has other files."""
    name = recipe.identity(("speech", family), ("speech", "text"))
    return cache_folder("speech", f"{family}-{name}") / f"{family}_{number:05d}.npz"


def spoken_files(recipe: Recipe) -> list[Path]:
    """The utterances that the recipe asks for, in order, as far as they are made."""
    rate = recipe.section("speech")["rate"]
    found: list[Path] = []
    for family, minutes in sorted(recipe.section("speech", "minutes").items()):
        done = 0.0
        for number in itertools.count():
            path = speech_path(recipe, family, number)
            if done >= 60.0 * minutes or not path.exists():
                break
            found.append(path)
            done += seconds_of(path, rate)
    return found + own_files(recipe)


def make_speech(recipe: Recipe, jobs: int) -> None:
    """Speak every family's minutes with ``jobs`` processes, the fast families first."""
    for family in sorted(recipe.section("speech", "minutes"), key=lambda name: name != "hibari"):
        _speak_family(recipe, family, jobs)
    read_own(recipe)


def _speak_family(recipe: Recipe, family: str, jobs: int) -> None:
    wanted = 60.0 * recipe.section("speech", "minutes")[family]
    if wanted <= 0:
        return
    progress = Progress(f"speech {family}", wanted / 60, "min")
    done, number = 0.0, 0
    FAMILIES[family].network()  # fetched here, once, and not by every process
    with contextlib.closing(results(lambda: _speaker(recipe, family), jobs)) as spoken:
        while done < wanted:
            done += next(spoken)
            number += 1
            progress.update(done / 60, f"{number} utterances")
    progress.finish(done / 60, f"{number} utterances")


def _speaker(recipe: Recipe, family: str) -> Callable[[int], float]:
    """What makes utterance n unless it is there, and tells how many seconds it lasts."""
    options, rate = recipe.section("speech", family), recipe.section("speech")["rate"]
    engine = None

    def speak(number: int) -> float:
        nonlocal engine
        path = speech_path(recipe, family, number)
        if not path.exists():
            engine = engine or FAMILIES[family](options, recipe.section("speech", "text"))
            rng = random.Random(f"{recipe.seed} {family} {number}")  # noqa: S311
            write_recording(path, _stored(engine.speak(number, rng), rate, path))
        return seconds_of(path, rate)

    return speak


def _stored(utterance: Utterance, rate: int, path: Path) -> Recording:
    import soxr

    samples = soxr.resample(utterance.samples.astype(np.float32), utterance.rate, rate)
    loudest = max(float(np.abs(samples).max()), 1e-3)
    return Recording(
        (samples / loudest * PEAK * 32767).astype(np.int16),
        utterance.segments,
        utterance.voice,
        utterance.language,
        path.stem.rpartition("_")[0],
        path.stem,
    )

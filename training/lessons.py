# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network is taught with: utterances, and batches of excerpts drawn from them.

Batch n is made from the seed and n alone, so it does not matter which process draws it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .accent import HOP_S, accent_frames
from .augment import Augmenter
from .coarticulation import target_frames
from .network import FRAME_S, RATE
from .phones import Sound, sounds
from .recipe import Recipe
from .speech import spoken_files
from .timing import Timed, read_segments, timed

STEP = round(FRAME_S * RATE)
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Lesson:
    """One utterance ready for training."""

    samples: np.ndarray  # int16 (N,)
    sounds: list[Sound]
    voice: str
    accent: np.ndarray  # float32 (T,) how it stresses its words, every 20 ms


@dataclass(frozen=True)
class Lessons:
    """Training and held-out utterances with how often each is drawn."""

    train: list[Lesson]
    share: np.ndarray
    held_out: list[Lesson]
    aligned: int
    realigned: int = 0

    @property
    def seconds(self) -> float:
        """How long all utterances to train on last."""
        return sum(len(lesson.samples) for lesson in self.train) / RATE


def read_lessons(recipe: Recipe, realigned: Callable[[Path], Path] | None = None) -> Lessons:
    """The recipe's speech; the held-out voices are kept apart.

    ``realigned`` tells where the realigned phones of an utterance are, if it has any.
    """
    families = recipe.section("speech")
    held_names = {
        name
        for family in families.values()
        if isinstance(family, dict)
        for name in family.get("held_out", ())
    }
    weights = recipe.section("fit", "family_weights")
    train, share, held_out = [], [], []
    aligned = again = 0
    for path in spoken_files(recipe):
        told = timed(path, recipe)
        aligned += told.aligned
        if realigned is not None and realigned(path).exists():
            told = Timed(told.recording, read_segments(realigned(path)), True)
            again += 1
        recording = told.recording
        accent = accent_frames(recording.samples, RATE)
        lesson = Lesson(recording.samples, sounds(told.segments), recording.voice, accent)
        if held_names.intersection(recording.voice.split("+")):
            held_out.append(lesson)
        else:
            train.append(lesson)
            share.append(weights.get(recording.family, 1.0) * len(lesson.samples))
    if not train:
        raise RuntimeError("There is no speech yet: run `python training speech` first.")
    return Lessons(train, np.array(share) / np.sum(share), held_out, aligned, again)


class Batches:
    """Draws augmented batches of excerpts.

    The network's frame t hears ``margin`` samples on either side of its centre, at
    ``margin + STEP * t``; what it is to say of them is the mouth ``ahead`` samples later.
    """

    def __init__(self, recipe: Recipe, lessons: Lessons, margin: int, ahead: int = 0) -> None:
        self.options = recipe.section("fit")
        self.seed, self.lessons = recipe.seed, lessons
        self.leads = recipe.section("timing", "lead")
        self.how = recipe.section("augment")
        frames = round(self.options["seconds"] / FRAME_S)
        self.length = 2 * margin + (frames - 1) * STEP
        self.first = margin + ahead
        self.times = self.first / RATE + FRAME_S * np.arange(frames)

    def draw(self, number: int) -> Batch:
        """Batch ``number``: samples float32 (B, 1, N), classes (B, T), curves (B, 8, T)."""
        rng = np.random.default_rng([self.seed, number])
        drawn = [self._one(rng) for _ in range(self.options["batch"])]
        samples, classes, curves = (np.stack(part) for part in zip(*drawn, strict=True))
        return samples[:, None], classes, np.ascontiguousarray(curves.transpose(0, 2, 1))

    def _one(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        augment = Augmenter(self.how, RATE, rng, lambda count: self._babble(count, rng))
        heard: list[Sound] = []
        accent = np.zeros(len(self.times))
        if rng.random() < self.options["quiet_share"]:
            samples = augment.quiet(self.length)
        else:
            samples, heard, accent = self._excerpt(rng, augment)
        classes, curves = target_frames(
            heard, self.times, self.leads["motion"], self.leads["contact"]
        )
        return samples, classes, np.column_stack([curves, accent.astype(np.float32)])

    def _excerpt(
        self, rng: np.random.Generator, augment: Augmenter
    ) -> tuple[np.ndarray, list[Sound], np.ndarray]:
        lesson = self.lessons.train[rng.choice(len(self.lessons.train), p=self.lessons.share)]
        lasts = len(lesson.samples) / RATE
        pace = augment.pace()
        gap_at, gap = self._pause(rng, lesson)
        span = (self.length - self.first) / RATE
        start = rng.uniform(-span / 4, max(1.0 / RATE, lasts * pace + gap - span / 2))
        start = round(start * RATE) / RATE
        parts = _parts(lasts, gap_at, gap)
        excerpt = np.zeros(self.length, np.float32)
        heard: list[Sound] = []
        accent = np.zeros(len(self.times))
        for first, last, later in parts:  # seconds of the utterance, and how much later they come
            _place(excerpt, lesson.samples, (first, last), pace, later - start)
            accent += _stress(lesson, (first, last), (self.times - later + start) / pace)
            heard += [
                replace(s, start=s.start * pace + later - start, end=s.end * pace + later - start)
                for s in lesson.sounds
                if first <= 0.5 * (s.start + s.end) < last
            ]
        heard = [s for s in heard if s.end > -1.0 and s.start < self.length / RATE + 1.0]
        self._breathe(rng, augment, excerpt, heard)
        return augment(excerpt), heard, accent

    def _pause(self, rng: np.random.Generator, lesson: Lesson) -> tuple[float, float]:
        """Where in the utterance a pause goes, in the middle of a silence, and how long; or 0."""
        rests = [s for s in lesson.sounds if s.viseme == 0 and s.end - s.start > 0.03]
        if not rests or rng.random() >= self.how["pause_share"]:
            return 0.0, 0.0
        rest = rests[int(rng.integers(len(rests)))]
        return 0.5 * (rest.start + rest.end), float(rng.uniform(*self.how["pause_s"]))

    def _breathe(
        self, rng: np.random.Generator, augment: Augmenter, excerpt: np.ndarray, heard: list[Sound]
    ) -> None:
        """Let the speaker breathe in some of the silences."""
        loudest = float(np.abs(excerpt).max())
        now = 0.0
        for sound in [*heard, Sound(1, False, len(excerpt) / RATE, 0.0)]:
            if sound.viseme == 0:
                continue
            if sound.start - now > 0.3 and rng.random() < self.how["breath_share"]:
                first, last = int((now + 0.05) * RATE), int((sound.start - 0.05) * RATE)
                augment.breathe(excerpt, max(0, first), min(last, len(excerpt)), loudest)
            now = max(now, sound.end)

    def _babble(self, count: int, rng: np.random.Generator) -> np.ndarray:
        lesson = self.lessons.train[rng.integers(len(self.lessons.train))]
        at = int(rng.integers(len(lesson.samples)))
        return np.resize(np.roll(lesson.samples, at), count).astype(np.float32)


def _parts(lasts: float, gap_at: float, gap: float) -> list[tuple[float, float, float]]:
    """The utterance before and after its pause: from, to, and how much later, in seconds."""
    if gap <= 0.0:
        return [(0.0, lasts, 0.0)]
    return [(0.0, gap_at, 0.0), (gap_at, lasts, gap)]


def _stress(lesson: Lesson, part: tuple[float, float], times: np.ndarray) -> np.ndarray:
    """The utterance's stress at times of its own (T,), 0 outside of the part."""
    inside = (times >= part[0]) & (times < part[1])
    told = np.interp(times, HOP_S * np.arange(len(lesson.accent)), lesson.accent)
    stress: np.ndarray = inside * told
    return stress


def _place(
    excerpt: np.ndarray,
    samples: np.ndarray,
    part: tuple[float, float],
    pace: float,
    moved: float,
) -> None:
    """Write a part of an utterance, ``pace`` times as long, into the excerpt where it belongs.

    A sample at time t comes at ``t * pace + moved`` seconds; only what is heard is stretched.
    """
    import soxr

    first = max(part[0], -moved / pace - 0.01)
    last = min(part[1], (len(excerpt) / RATE - moved) / pace + 0.01)
    begin, end = round(first * RATE), min(round(last * RATE), len(samples))
    if end <= begin:
        return
    sound = samples[begin:end].astype(np.float32) / 32768.0
    if pace != 1.0:
        sound = soxr.resample(sound, RATE, RATE * pace, quality="MQ")
    at = round((begin / RATE * pace + moved) * RATE)
    skip, at = max(0, -at), max(0, at)
    sound = sound[skip : skip + max(0, len(excerpt) - at)]
    excerpt[at : at + len(sound)] += sound

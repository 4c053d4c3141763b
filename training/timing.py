# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""Repairs the times that voices report, which decide whether the mouth is on time.

Step 1: each voice family is late by a constant (measured; in the recipe).
Step 2: the known phone sequence is force-aligned to the sound with pocketsphinx, which
removes the voices' 25 ms steps. Where the aligner fails, or disagrees with the repaired
times by too much, step 1's times stay.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .paths import cache_folder
from .phones import PUNCTUATION, SILENCE, Segment, shift
from .progress import Progress
from .recipe import Recipe
from .speech import Recording, read_recording, spoken_files

ARPABET = {
    "p": "P", "b": "B", "m": "M", "f": "F", "v": "V", "t": "T", "d": "D", "n": "N", "l": "L",
    "r": "D", "ɾ": "D", "T": "D", "k": "K", "g": "G", "ɡ": "G", "ŋ": "NG", "s": "S", "z": "Z",
    "ʃ": "SH", "ʒ": "ZH", "ɕ": "SH", "ʑ": "ZH", "ʂ": "SH", "ʐ": "ZH", "x": "HH", "h": "HH",
    "ɦ": "HH", "j": "Y", "w": "W", "ɲ": "N", "ʎ": "L", "a": "AA", "ɑ": "AA", "ɐ": "AH",
    "æ": "AE", "e": "EH", "ɛ": "EH", "ə": "AH", "i": "IY", "ɪ": "IH", "ɨ": "IH", "y": "IY",
    "o": "OW", "ɔ": "AO", "u": "UW", "ʊ": "UH", "ʉ": "UW", "ø": "ER", "œ": "ER", "ɥ": "Y",
    "ʁ": "HH", "θ": "TH", "ð": "DH", "β": "V", "ɸ": "F", "ɣ": "G", "ʦ": "S", "ʣ": "Z", "ʨ": "CH",
    "ʌ": "AH", "ɫ": "L", "ʝ": "Y", "ɟ": "Y", "c": "K", "ɵ": "OW", "ɹ": "R", "ʧ": "CH", "ʤ": "JH",
    "ɜ": "ER", "ɚ": "ER", "ɒ": "AA", "ç": "SH", "ɯ": "UW", "ɤ": "AH", "ʏ": "IY", "ᵻ": "IH",
    "ᵊ": "AH", "ʋ": "V", "ɭ": "L", "ɖ": "D", "ʈ": "T", "ɳ": "N", "ɽ": "D", "χ": "HH",
    "A": "EY", "I": "AY", "Y": "OY", "O": "OW", "Q": "OW", "W": "AW",
}  # fmt: skip
NOT_SPOKEN = frozenset({"SIL", "+NSN+", "+SPN+"})
LONGEST_WORD = 7  # phones per made-up word handed to the aligner
MARGIN = 0.3  # seconds of faint noise on either side, so that edges align


@dataclass(frozen=True)
class Alignment:
    """The aligned segments and how far they lie from the repaired times, in seconds."""

    segments: list[Segment]
    median: float
    spread: float


class Aligner:
    """Forced alignment of a known phone sequence, any language, by way of ARPAbet."""

    def __init__(self) -> None:
        self.decoder = self._decoder()
        self.words: dict[str, str] = {}

    @staticmethod
    def _decoder() -> Any:
        from pocketsphinx import Decoder

        return Decoder(
            lm=None, loglevel="FATAL", samprate=16000, remove_noise=False,
            beam=1e-80, wbeam=1e-60, pbeam=1e-80,
        )  # fmt: skip

    def align(self, recording: Recording, expected: list[Segment], rate: int) -> Alignment | None:
        """Segments with aligned times, or None where the aligner gives up."""
        words = _words(expected)
        if not words:
            return None
        try:
            spoken = self._run(recording.samples, words, rate)
        except RuntimeError:
            self.decoder, self.words = self._decoder(), {}
            return None
        return _matched(spoken, [segment for word in words for segment in word])

    def _run(
        self, samples: np.ndarray, words: list[list[Segment]], rate: int
    ) -> list[tuple[str, float, float]]:
        names = [self._word(" ".join(ARPABET[s.phone] for s in word)) for word in words]
        noise = np.random.default_rng(0).integers(-6, 7, int(MARGIN * rate)).astype(np.int16)
        heard = np.concatenate([noise, samples, noise]).tobytes()
        self.decoder.set_align_text(" ".join(names))
        self._hear(heard)
        if self.decoder.hyp() is None:
            return []
        self.decoder.set_alignment()
        self._hear(heard)
        return [
            (phone.name, phone.start / 100 - MARGIN, (phone.start + phone.duration) / 100 - MARGIN)
            for word in self.decoder.get_alignment()
            for phone in word
        ]

    def _hear(self, heard: bytes) -> None:
        self.decoder.start_utt()
        self.decoder.process_raw(heard, full_utt=True)
        self.decoder.end_utt()

    def _word(self, pronunciation: str) -> str:
        if pronunciation not in self.words:
            name = f"w{len(self.words)}"
            self.decoder.add_word(name, pronunciation, True)
            self.words[pronunciation] = name
        return self.words[pronunciation]


def _words(segments: list[Segment]) -> list[list[Segment]]:
    """The phones the aligner knows, cut at silences into words of bounded length."""
    words: list[list[Segment]] = [[]]
    for segment in segments:
        if segment.phone == SILENCE or segment.phone in PUNCTUATION:
            words.append([])
            continue
        letter = segment.phone
        if letter not in ARPABET:  # perhaps known without its diacritic
            letter = unicodedata.normalize("NFD", letter)[0]
        if letter in ARPABET:
            words[-1].append(Segment(letter, segment.start, segment.end))
        if len(words[-1]) >= LONGEST_WORD:
            words.append([])
    return [word for word in words if word]


def _matched(spoken: list[tuple[str, float, float]], expected: list[Segment]) -> Alignment | None:
    segments: list[Segment] = []
    offsets: list[float] = []
    for name, start, end in spoken:
        if name in NOT_SPOKEN:
            segments.append(Segment(SILENCE, start, end))
            continue
        if len(offsets) == len(expected) or ARPABET[expected[len(offsets)].phone] != name:
            return None
        segment = Segment(expected[len(offsets)].phone, start, end)
        offsets.append(segment.centre - expected[len(offsets)].centre)
        segments.append(segment)
    if len(offsets) != len(expected) or not offsets:
        return None
    median = float(np.median(offsets))
    spread = float(np.median(np.abs(np.array(offsets) - median)))
    return Alignment(segments, median, spread)


def repaired(segments: list[Segment], family: str, recipe: Recipe) -> list[Segment]:
    """Step 1: the voice's own times without its family's constant lateness."""
    return shift(segments, recipe.section("timing", "lateness")[family])


def timed_segments(path: Path, recipe: Recipe) -> tuple[Recording, list[Segment], bool]:
    """A recording, its best times, and whether they come from the aligner."""
    recording = read_recording(path)
    stored = cache_folder("aligned", recording.family) / path.name
    if stored.exists():
        with np.load(stored) as told:
            if len(told["phones"]):
                segments = [
                    Segment(str(phone), float(start), float(end))
                    for phone, (start, end) in zip(told["phones"], told["times"], strict=True)
                ]
                return recording, segments, True
    return recording, repaired(recording.segments, recording.family, recipe), False


def align_speech(recipe: Recipe) -> None:
    """Align every utterance that is not aligned yet; keep "failed" as an empty result."""
    limits = recipe.section("timing")
    files = spoken_files()
    progress = Progress("align", len(files), "utterances")
    aligner = Aligner()
    kept = 0
    medians: dict[str, list[float]] = {}
    for number, path in enumerate(files, 1):
        stored = cache_folder("aligned", path.parent.name) / path.name
        if not stored.exists():
            recording = read_recording(path)
            expected = repaired(recording.segments, recording.family, recipe)
            found = aligner.align(recording, expected, recipe.section("speech")["rate"])
            trusted = (
                found is not None
                and abs(found.median) <= limits["largest_offset"]
                and found.spread <= limits["largest_spread"]
            )
            _write_alignment(stored, found if trusted else None)
        with np.load(stored) as told:
            if len(told["phones"]):
                kept += 1
                medians.setdefault(path.parent.name, []).append(float(told["median"]))
        progress.update(number, f"{kept} aligned")
    told_medians = {family: f"{1000 * np.median(m):+.0f} ms" for family, m in medians.items()}
    progress.finish(len(files), f"{kept} aligned; median against constant {told_medians}")


def _write_alignment(path: Path, found: Alignment | None) -> None:
    segments = found.segments if found else []
    part = path.with_suffix(".part")
    with part.open("wb") as opened:
        np.savez(
            opened,
            phones=np.array([s.phone for s in segments], dtype=np.str_),
            times=np.array([(s.start, s.end) for s in segments], np.float32).reshape(-1, 2),
            median=np.float32(found.median if found else 0.0),
        )
    part.rename(path)

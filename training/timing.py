# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""Repairs the times that voices report, which decide whether the mouth is on time.

Step 1: each voice family is late by a constant (measured; in the recipe).
Step 2: the known phone sequence is force-aligned to the sound with pocketsphinx, which
removes the voices' 25 ms steps. Where the aligner fails, or disagrees with the repaired
times by too much, step 1's times stay.
Step 3 is the network's own, in ``realign.py``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .own import FAMILY
from .paths import cache_folder
from .phones import PUNCTUATION, SILENCE, Segment, shift
from .progress import Progress
from .recipe import Recipe
from .recordings import Recording, read_recording
from .side_by_side import results
from .speech import spoken_files

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
# The aligner's frame k hears 25.6 ms from k * 10 ms on, so where it puts a boundary is early by
# half of what a frame hears beyond its 10 ms. Without this its stops begin 8 ms before the silence.
HALF_HEARD = 0.5 * (0.0256 - 0.010)
NOT_SPOKEN = frozenset({"SIL", "+NSN+", "+SPN+"})
LONGEST_WORD = 7  # phones per made-up word handed to the aligner
# Beams of the search and seconds of faint noise on either side, until one aligns all phones. A
# wider beam is no better: it lets the last phones be taken for silence.
ATTEMPTS = ((1e-48, 0.3), (1e-48, 0.6), (1e-80, 0.5), (1e-80, 0.2), (1e-64, 0.8))


@dataclass(frozen=True)
class Alignment:
    """The aligned segments and how far they lie from the repaired times, in seconds."""

    segments: list[Segment]
    median: float
    spread: float


class Aligner:
    """Forced alignment of a known phone sequence, any language, by way of ARPAbet."""

    def __init__(self) -> None:
        self.decoders: dict[float, tuple[Any, dict[str, str]]] = {}

    def align(self, recording: Recording, expected: list[Segment], rate: int) -> Alignment | None:
        """Segments with aligned times, or None where the aligner gives up in every attempt."""
        words = _words(expected)
        if not words:
            return None
        phones = [segment for word in words for segment in word]
        for beam, margin in ATTEMPTS:
            try:
                spoken = self._run(recording.samples, words, rate, beam, round(margin * rate))
            except RuntimeError:
                self.decoders.pop(beam, None)  # it is of no more use
                continue
            found = _matched(spoken, phones)
            if found is not None:
                return found
        return None

    def _run(
        self,
        samples: np.ndarray,
        words: list[list[Segment]],
        rate: int,
        beam: float,
        margin: int,
    ) -> list[tuple[str, float, float]]:
        decoder, known = self.decoders.get(beam) or self._decoder(beam)
        names = [_word(decoder, known, " ".join(ARPABET[s.phone] for s in word)) for word in words]
        noise = np.random.default_rng(0).integers(-6, 7, margin).astype(np.int16)
        heard = np.concatenate([noise, samples, noise]).tobytes()
        decoder.set_align_text(" ".join(names))
        _hear(decoder, heard)
        if decoder.hyp() is None:
            return []
        decoder.set_alignment()
        _hear(decoder, heard)
        before = margin / rate - HALF_HEARD
        return [
            (phone.name, phone.start / 100 - before, (phone.start + phone.duration) / 100 - before)
            for word in decoder.get_alignment()
            for phone in word
        ]

    def _decoder(self, beam: float) -> tuple[Any, dict[str, str]]:
        from pocketsphinx import Decoder

        decoder = Decoder(
            lm=None, loglevel="FATAL", samprate=16000, remove_noise=False,
            beam=beam, wbeam=beam**0.75, pbeam=beam,
        )  # fmt: skip
        self.decoders[beam] = decoder, {}
        return self.decoders[beam]


def _hear(decoder: Any, heard: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(heard, full_utt=True)
    decoder.end_utt()


def _word(decoder: Any, known: dict[str, str], pronunciation: str) -> str:
    """Name of the made-up word with this pronunciation."""
    if pronunciation not in known:
        name = f"w{len(known)}"
        decoder.add_word(name, pronunciation, True)
        known[pronunciation] = name
    return known[pronunciation]


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
    return shift(segments, recipe.section("timing", "lateness").get(family, 0.0))


@dataclass(frozen=True)
class Timed:
    """A recording with its best times so far; ``aligned`` unless the aligner failed."""

    recording: Recording
    segments: list[Segment]
    aligned: bool


def timed(path: Path, recipe: Recipe) -> Timed:
    """A recording with the times of steps 1 and 2; a user's own times are as they are."""
    recording = read_recording(path)
    if recording.family == FAMILY:
        return Timed(recording, recording.segments, True)
    stored = aligned_path(recipe, path)
    if stored.exists() and (segments := read_segments(stored)):
        return Timed(recording, segments, True)
    return Timed(recording, repaired(recording.segments, recording.family, recipe), False)


def aligned_path(recipe: Recipe, path: Path) -> Path:
    """Where the alignment of an utterance is kept."""
    name = recipe.identity(("timing", "lateness"), ("timing", "trust"))
    return cache_folder("aligned", f"{path.parent.name}-{name}") / path.name


def align_speech(recipe: Recipe, jobs: int) -> None:
    """Align every utterance that is not aligned yet; "failed" is kept as an empty result."""
    files = [path for path in spoken_files(recipe) if not path.stem.startswith(FAMILY)]
    progress = Progress("align", len(files), "utterances")
    kept = 0
    medians: dict[str, list[float]] = {}
    aligned = results(lambda: _worker(recipe, files), jobs, count=len(files))
    for number, median in enumerate(aligned, 1):
        if median is not None:
            kept += 1
            medians.setdefault(files[number - 1].stem.rpartition("_")[0], []).append(median)
        progress.update(number, f"{kept} aligned")
    told = {family: f"{1000 * np.median(m):+.0f} ms" for family, m in medians.items()}
    progress.finish(len(files), f"{kept} aligned; median against constant {told}")


def _worker(recipe: Recipe, files: list[Path]) -> Callable[[int], float | None]:
    """What aligns file n unless that was done, and tells its median offset; None for failed."""
    limits = recipe.section("timing", "trust")
    aligner = Aligner()

    def align(number: int) -> float | None:
        path = files[number]
        stored = aligned_path(recipe, path)
        if not stored.exists():
            recording = read_recording(path)
            expected = repaired(recording.segments, recording.family, recipe)
            found = aligner.align(recording, expected, recipe.section("speech")["rate"])
            trusted = (
                found is not None
                and abs(found.median) <= limits["largest_offset"]
                and found.spread <= limits["largest_spread"]
            )
            write_segments(stored, found.segments if found and trusted else [], found)
        with np.load(stored) as told:
            return float(told["median"]) if len(told["phones"]) else None

    return align


def write_segments(path: Path, segments: list[Segment], found: Alignment | None = None) -> None:
    """Keep aligned segments; none stand for an alignment that failed."""
    part = path.with_suffix(".part")
    with part.open("wb") as opened:
        np.savez(
            opened,
            phones=np.array([s.phone for s in segments], dtype=np.str_),
            times=np.array([(s.start, s.end) for s in segments], np.float32).reshape(-1, 2),
            median=np.float32(found.median if found else 0.0),
        )
    part.rename(path)


def read_segments(path: Path) -> list[Segment]:
    """What :func:`write_segments` wrote."""
    with np.load(path) as told:
        return [
            Segment(str(phone), float(start), float(end))
            for phone, (start, end) in zip(told["phones"], told["times"], strict=True)
        ]

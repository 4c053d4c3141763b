# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - letters of other scripts look alike on purpose
"""What is spoken, and its pronunciation: sentences of the system's ``fortunes`` collections.

Four kinds are drawn by share: *talk* is what people say to each other, *lips* and *clusters* are
the sentences richest in lip sounds and in consonants that meet, *words* are lists of such words.
``text.toml`` tells the languages.
"""

from __future__ import annotations

import functools
import random
import re
import subprocess  # espeak-ng is the phonemizer
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .paths import TRAINING_FOLDER

COLLECTIONS = Path("/usr/share/games/fortunes")
SENTENCE = re.compile(r"[\w ,.;:'!?\-]+")
NOT_SPEECH = re.compile(r"[0-9_]|[A-Z]{3}")
SHORTEST, LONGEST = 25, 120  # letters of a sentence
LIPS = re.compile(r"[pbmfvwпбмфв]|th")
CLUSTER = re.compile(r"[bcdfghjklmnpqrstvwxzčďňřšťžłńśźżßбвгджзклмнпрстфхцчшщ]{3,}")
RICHEST = 0.15  # share of the sentences that count as rich in something
WORD_COUNT = 5
LONGEST_WORD = 12


@dataclass(frozen=True)
class Texts:
    """What can be said in one language: each kind in a fixed random order."""

    talk: tuple[str, ...]
    lips: tuple[str, ...]
    clusters: tuple[str, ...]
    words: tuple[str, ...]  # single words rich in both


@functools.cache
def languages() -> dict[str, dict[str, Any]]:
    """The table of ``text.toml`` by language."""
    return tomllib.loads((TRAINING_FOLDER / "text.toml").read_text(encoding="utf-8"))


def draw_sentence(language: str, shares: Mapping[str, float], rng: random.Random) -> str:
    """A sentence or list of words of one kind; ``shares`` are the kinds' relative frequencies."""
    known = texts(language)
    kind = rng.choices(list(shares), list(shares.values()))[0]
    if kind == "words":
        return ", ".join(rng.choice(known.words) for _ in range(WORD_COUNT)) + "."
    sentence: str = rng.choice(getattr(known, kind))
    return sentence


@functools.cache
def texts(language: str) -> Texts:
    """Everything there is to say in ``language`` ("en", "de", ...)."""
    told = languages()[language]
    found: set[str] = set()
    for file in _files(told["files"]):
        found |= _sentences(file.read_text(encoding="utf-8", errors="ignore"))
    if not found:
        raise RuntimeError(
            f"No sentences for '{language}': install the system packages named in "
            "training/README.md (fortunes, fortunes-de, ...)."
        )
    ordered = sorted(found)
    random.Random(7).shuffle(ordered)  # noqa: S311
    talk = frozenset(told["talk"])
    return Texts(
        tuple(s for s in ordered if s[-1] in "?!" or talk.intersection(_spoken_words(s))),
        _richest(ordered, LIPS),
        _richest(ordered, CLUSTER),
        _rich_words(ordered),
    )


def _files(patterns: list[str]) -> list[Path]:
    """The plain collections among what the patterns name."""
    return sorted(
        file
        for pattern in patterns
        for file in COLLECTIONS.glob(pattern)
        if file.is_file()
        and file.suffix not in {".dat", ".u8"}
        and not any(word in file.name for word in ("ascii", "off"))
    )


def _sentences(text: str) -> set[str]:
    found = set()
    for piece in re.split(r"\n%+\n", text):
        piece = re.sub(r"--.*$", "", re.sub(r"\s+", " ", piece))
        for sentence in re.split(r"(?<=[.!?])\s+", piece):
            sentence = sentence.strip().strip('"')
            if _speakable(sentence):
                found.add(sentence)
    return found


def _speakable(sentence: str) -> bool:
    return (
        SHORTEST <= len(sentence) <= LONGEST
        and SENTENCE.fullmatch(sentence) is not None
        and NOT_SPEECH.search(sentence) is None
    )


def _richest(sentences: list[str], sound: re.Pattern[str]) -> tuple[str, ...]:
    """The sentences with most of ``sound`` for their length, in the order given."""
    richness = {s: len(sound.findall(s.lower())) / len(s) for s in sentences}
    least = sorted(richness.values())[-max(1, round(RICHEST * len(sentences)))]
    return tuple(s for s in sentences if richness[s] >= least)


def _spoken_words(sentence: str) -> list[str]:
    return re.findall(r"[\w']+", sentence.lower())


def _rich_words(sentences: list[str]) -> tuple[str, ...]:
    """Words, never written with a capital, with two lip sounds or a cluster of consonants."""
    words = sorted({word for s in sentences for word in re.findall(r"\b[^\W\d_]{3,}\b", s)})
    return tuple(
        word
        for word in words
        if word.islower()
        and len(word) <= LONGEST_WORD
        and (len(LIPS.findall(word)) > 1 or CLUSTER.search(word))
    )


def pronounce(sentence: str, espeak_voice: str) -> str:
    """IPA of ``sentence`` as espeak-ng gives it, NFC; clauses are separated by commas."""
    told = subprocess.run(
        ["espeak-ng", "-q", "--ipa", "-v", espeak_voice, "--", sentence],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    clauses = " , ".join(line.strip() for line in told.strip().splitlines())
    return unicodedata.normalize("NFC", re.sub(r"\([a-z-]+\)", "", clauses))

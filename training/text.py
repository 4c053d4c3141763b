# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences to speak, from the system's ``fortunes`` collections, and their pronunciation."""

from __future__ import annotations

import functools
import random
import re
import subprocess  # espeak-ng is the phonemizer
import unicodedata
from pathlib import Path

COLLECTIONS = Path("/usr/share/games/fortunes")
ENGLISH = (
    "people", "science", "work", "wisdom", "literature", "education", "food", "love", "kids",
    "medicine", "news", "platitudes", "riddles", "sports", "tao", "computers", "law", "magic",
    "pets",
)  # fmt: skip
SENTENCE = re.compile(r"[\w ,.;:'!?\-]+")
NOT_SPEECH = re.compile(r"[0-9_]|[A-Z]{3}")
SHORTEST, LONGEST = 25, 120


@functools.cache
def sentences(language: str) -> tuple[str, ...]:
    """Distinct plain sentences of ``language`` ("en", "de", ...), in a fixed random order."""
    found: set[str] = set()
    for file in _files(language):
        text = file.read_text(encoding="utf-8", errors="ignore")
        for piece in re.split(r"\n%+\n", text):
            piece = re.sub(r"--.*$", "", re.sub(r"\s+", " ", piece))
            for sentence in re.split(r"(?<=[.!?])\s+", piece):
                sentence = sentence.strip().strip('"')
                if _speakable(sentence):
                    found.add(sentence)
    if not found:
        raise RuntimeError(
            f"No sentences for '{language}': install the system packages named in "
            "training/README.md (fortunes, fortunes-de, ...)."
        )
    ordered = sorted(found)
    random.Random(7).shuffle(ordered)  # noqa: S311
    return tuple(ordered)


def _files(language: str) -> list[Path]:
    if language == "en":
        return [COLLECTIONS / name for name in ENGLISH if (COLLECTIONS / name).is_file()]
    return sorted(
        file
        for file in (COLLECTIONS / language).glob("*")
        if file.is_file()
        and file.suffix not in {".dat", ".u8"}
        and not any(word in file.name for word in ("ascii", "off"))
    )


def _speakable(sentence: str) -> bool:
    return (
        SHORTEST <= len(sentence) <= LONGEST
        and SENTENCE.fullmatch(sentence) is not None
        and NOT_SPEECH.search(sentence) is None
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

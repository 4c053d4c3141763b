# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""A user's own recordings with phone times, as one more family of voices.

The recipe's table ``[speech.own]`` names the ``folder``: WAV, FLAC or OGG files, each with a
TextGrid beside it (as forced aligners write), or one ``labels.json`` for all
({"file": [["phone", start, end], ...]}, seconds). Phones are IPA or ARPAbet. Files in a folder of
their own are one voice. Their times are taken as they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np

from ..core.errors import UserError
from .paths import TRAINING_FOLDER, cache_folder
from .phones import SILENCE, Segment
from .progress import say
from .recipe import Recipe
from .recordings import Recording, write_recording

FAMILY = "own"
SOUNDS = frozenset({".wav", ".flac", ".ogg"})
PEAK = 0.6
NO_PHONE = frozenset({"", "sil", "sp", "spn", "pau", "<eps>", "_", "#"})
ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AH0": "ə", "AO": "ɔ", "AW": "aʊ", "AX": "ə", "AY": "aɪ",
    "B": "b",
    "CH": "ʧ", "D": "d", "DH": "ð", "EH": "ɛ", "ER": "ɚ", "EY": "eɪ", "F": "f", "G": "ɡ",
    "HH": "h", "IH": "ɪ", "IY": "i", "JH": "ʤ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ",
    "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ",
    "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_VALUE = re.compile(r'"(?:[^"]|"")*"|[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?')


def own_files(recipe: Recipe) -> list[Path]:
    """The user's recordings as read so far."""
    if FAMILY not in recipe.section("speech"):
        return []
    return sorted(_cache(recipe).glob("*.npz"))


def read_own(recipe: Recipe) -> None:
    """Read the user's recordings into the cache, once. Raises UserError naming the file."""
    if FAMILY not in recipe.section("speech"):
        return
    rate, cache = recipe.section("speech")["rate"], _cache(recipe)
    labels = _labels(recipe)
    for number, (path, segments) in enumerate(labels.items()):
        stored = cache / f"{FAMILY}_{number:05d}.npz"
        if not stored.exists():
            samples = _samples(path, rate)
            voice = path.parent.name
            language = str(recipe.section("speech", FAMILY).get("language", ""))
            write_recording(
                stored, Recording(samples, segments, voice, language, FAMILY, stored.stem)
            )
    say(f"speech {FAMILY}: {len(labels)} recordings")


def _folder(recipe: Recipe) -> Path:
    folder = (TRAINING_FOLDER / str(recipe.section("speech", FAMILY).get("folder", ""))).resolve()
    if not folder.is_dir():
        raise UserError(f"The folder {folder} of [speech.own] does not exist.")
    return folder


def _sounds(recipe: Recipe) -> list[Path]:
    found = [p for p in sorted(_folder(recipe).rglob("*")) if p.suffix.lower() in SOUNDS]
    if not found:
        raise UserError(f"The folder {_folder(recipe)} of [speech.own] holds no recordings.")
    return found


def _cache(recipe: Recipe) -> Path:
    """Files that were changed are read again, so that the cache is called by all of them."""
    told = hashlib.sha256(recipe.identity(("speech", FAMILY)).encode())
    for path in sorted(_folder(recipe).rglob("*")):
        if path.is_file():
            state = path.stat()
            told.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    return cache_folder("speech", f"{FAMILY}-{told.hexdigest()[:10]}")


def _labels(recipe: Recipe) -> dict[Path, list[Segment]]:
    folder = _folder(recipe)
    common = folder / "labels.json"
    told: dict[str, list[tuple[str, float, float]]] = {}
    if common.exists():
        try:
            told = json.loads(common.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{common} is no JSON: {error}.") from error
    found = {}
    for path in _sounds(recipe):
        name = path.relative_to(folder).as_posix()
        grid = path.with_suffix(".TextGrid")
        if name in told:
            rows, source = told[name], common
        elif grid.exists():
            rows, source = read_text_grid(grid), grid
        else:
            raise UserError(f"{path} has no phone times: neither {grid.name} nor labels.json.")
        try:
            segments = [_segment(str(p), float(s), float(e)) for p, s, e in rows]
        except (TypeError, ValueError) as error:
            raise UserError(f"{source}: the phones of {name} cannot be read: {error}.") from error
        if any(s.end < s.start for s in segments) or not segments:
            raise UserError(f"{source}: the phones of {name} are none, or end before they begin.")
        found[path] = segments
    return found


def read_text_grid(path: Path) -> list[tuple[str, float, float]]:
    """Phone, start, end of the tier called "phones", or of the last tier of intervals.

    Both forms of the file, long and short, are understood. Raises UserError.
    """
    data = path.read_bytes()
    text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    values = _VALUE.findall(re.sub(r"(?m)^\s*(intervals|points|item)\s*\[\d*\]:?", "", text))
    tiers: dict[str, list[tuple[str, float, float]]] = {}
    at = 0
    while at < len(values):
        if values[at] != '"IntervalTier"':
            at += 1
            continue
        name, count = _QUOTED.match(values[at + 1]), int(float(values[at + 4]))
        rows = values[at + 5 : at + 5 + 3 * count]
        if name is None or len(rows) < 3 * count:
            raise UserError(f"{path} is no complete TextGrid.")
        tiers[name[1].lower()] = [
            (rows[i + 2][1:-1], float(rows[i]), float(rows[i + 1])) for i in range(0, len(rows), 3)
        ]
        at += 5 + len(rows)
    if not tiers:
        raise UserError(f"{path} has no tier of intervals.")
    names = [name for name in tiers if name == "phones" or name.endswith(" - phones")]
    return tiers[names[0] if names else list(tiers)[-1]]


def _segment(phone: str, start: float, end: float) -> Segment:
    if phone.lower() in NO_PHONE:
        return Segment(SILENCE, start, end)
    return Segment(ARPABET.get(phone) or ARPABET.get(phone.rstrip("012"), phone), start, end)


def _samples(path: Path, rate: int) -> np.ndarray:
    """Mono 16-bit samples at the recipe's rate."""
    import soundfile
    import soxr

    try:
        told, own_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (RuntimeError, OSError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    samples = soxr.resample(told.mean(axis=1), own_rate, rate)
    loudest = max(float(np.abs(samples).max(initial=0.0)), 1e-3)
    return np.asarray(samples / loudest * PEAK * 32767, np.int16)

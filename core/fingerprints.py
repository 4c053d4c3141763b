# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether keyframes are still what a request would give: a short hash of all that decides them.

Cheap enough to ask while a panel draws: files are looked at by name, size and time, never read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .emotion.source import EmotionSource
from .parameters import PARAMETERS, checked
from .solve.pose_table import RigOverrides
from .take import Request
from .voice.audio import Voice
from .windows import exact_fps

DIGITS = 16
_Plain = str | int | float | bool | None | list["_Plain"]


def request_fingerprint(request: Request, voice_sha256: str = "", model_sha256: str = "") -> str:
    """A hex text of ``DIGITS`` digits, equal for requests that give the same keyframes.

    Voice with its range and channel, model, frame rate, settings, changes to the solve, and emotion
    count; device, threads and the voice's name do not. Numbers count in single precision, in which
    Blender's properties hold them, and names of poses and persons in any case. A voice's file and
    a model's folder count by place, size and time, a packed voice by its bytes; the hashes of their
    contents, where they are known, count instead. Raises UserError for values that no request has.
    """
    voice = request.voice
    parts: list[_Plain] = [
        voice_sha256 or _voice(voice),
        [_number(voice.start_s), None if voice.end_s is None else _number(voice.end_s)],
        voice.channel,
        model_sha256 or _folder(str(request.model)),
        str(exact_fps(request.fps)),
        _settings(request.settings),
        _rigs(request.rigs),
        _emotion(request.emotion),
    ]
    text = json.dumps(parts, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def folder_mark(folder: str) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times (ns) of the folder's files; empty when it cannot be listed."""
    try:
        files = [(path, path.stat()) for path in sorted(Path(folder).iterdir())]
    except OSError:
        return ()
    return tuple((path.name, stat.st_size, stat.st_mtime_ns) for path, stat in files)


def _number(value: float) -> float:
    """In single precision; nothing is told from nothing by its sign."""
    return float(np.float32(value)) + 0.0


def _voice(voice: Voice) -> list[_Plain]:
    if voice.path is None:
        return ["packed", hashlib.sha256(voice.data or b"").hexdigest()]
    try:
        found = os.stat(voice.path)
    except (OSError, ValueError):
        return ["file", _place(voice.path)]
    return ["file", _place(voice.path), found.st_size, found.st_mtime_ns]


def _place(path: str) -> str:
    return os.path.normcase(os.path.realpath(path)) if "\0" not in path else path


def _folder(folder: str) -> list[_Plain]:
    place = _place(folder)
    return [place, *(part for file in folder_mark(place) for part in file)]


def _settings(settings: Mapping[str, object]) -> list[_Plain]:
    found: list[_Plain] = []
    for name in sorted(settings):
        value = checked(name, settings[name])
        if value == "" and isinstance(value, str):
            continue  # the model's own, as when it is left out
        if isinstance(value, str):
            value = value.casefold() if name == "identity" else value
        elif PARAMETERS[name].kind == "float":
            value = _number(value)
        found.append([name, value])
    return found


def _rigs(rigs: RigOverrides) -> list[_Plain]:
    found: list[_Plain] = []
    for part, columns in sorted(rigs.to_mapping().items()):
        for column, cells in sorted(columns.items()):
            for pose, value in sorted((pose.casefold(), value) for pose, value in cells.items()):
                found.append([part, column, pose, _number(value)])
    return found


def _emotion(source: EmotionSource) -> list[_Plain]:
    keys, override = source.keys, source.override
    off = source.mode == "off"
    return [
        source.mode,
        None if off else _folder(source.model) if source.model else "",
        _numbers(source.preferred),
        None if override is None else _numbers(tuple(override.tolist())),
        _numbers(source.beginning),
        None if keys is None else [int(sample) for sample in keys.samples()],
        None if keys is None else [float(value) for value in keys.values.ravel()],
    ]


def _numbers(values: tuple[float, ...] | None) -> list[_Plain] | None:
    return None if values is None else [_number(value) for value in values]

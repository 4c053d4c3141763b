# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as files: what the network said and what it was asked, so later stages can be redone.

An uncompressed npz: the motion's and the face's arrays, and ``header``, JSON as bytes. The same
take gives the same bytes, except for the timings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from . import limits
from .errors import UserError
from .face_track import FaceTrack
from .files import write_npz
from .network import Motion
from .parameters import Settings
from .pipeline import Take
from .safe_files import ArrayForm, Json, NpzReader, parse_json

SCHEMA = 1


def write_take(path: str | os.PathLike[str], take: Take) -> None:
    """Write a take, whole or not at all. Raises UserError when the place cannot be written."""
    face, motion = take.face, take.motion
    header = {
        "schema": SCHEMA,
        "voice_name": take.voice_name,
        "voice_sha256": take.voice_sha256,
        "model_name": take.model_name,
        "model_sha256": take.model_sha256,
        "fps": [face.fps.numerator, face.fps.denominator],
        "duration_s": face.duration_s,
        "names": list(face.names),
        "notices": list(face.notices),
        "settings": take.settings.to_mapping(),
        "timings": dict(take.timings),
    }
    text = json.dumps(header, ensure_ascii=False, indent=1, allow_nan=False)
    write_npz(
        path,
        {
            "header": np.frombuffer(text.encode("utf-8"), np.uint8),
            "skin": motion.skin,
            "tongue": motion.tongue,
            "jaw_points": motion.jaw,
            "eye_offsets": motion.eyes,
            "weights": face.weights,
            "jaw": face.jaw,
            "eyes": face.eyes,
        },
    )


def read_take(path: str | os.PathLike[str]) -> Take:
    """Read a take. Raises UserError when the file is missing, damaged or from a newer version."""
    source = Path(path)
    with NpzReader(source) as npz:
        if "header" not in npz.names:
            raise UserError(f"{source} is not a take.")
        (size,) = npz.form("header")[0] or (0,)
        if size > limits.MAX_JSON_BYTES:
            raise UserError(f"{source}: the header is too large.")
        data = npz.read("header", ArrayForm("u", (None,))).tobytes()
        header = parse_json(data, str(source))
        if not isinstance(header, dict) or header.get("schema") != SCHEMA:
            raise UserError(f"{source} was not made by this version.", "Animate the voice again.")
        names, fps = _texts(header, "names", source), _fps(header, source)
        skin = npz.floats("skin", (None, None))
        count = len(skin)
        motion = Motion(
            skin=skin,
            tongue=npz.floats("tongue", (count, None)),
            jaw=npz.floats("jaw_points", (count, None, 3)),
            eyes=npz.floats("eye_offsets", (count, 2, 2)),
            fps=fps,
        )
        face = FaceTrack(
            names=names,
            weights=npz.floats("weights", (count, len(names))),
            jaw=npz.floats("jaw", (count, 4, 4)),
            eyes=npz.floats("eyes", (count, 2, 2)),
            fps=fps,
            duration_s=_number(header, "duration_s", source),
            notices=_texts(header, "notices", source),
        )
    settings, timings = header.get("settings"), header.get("timings")
    if not isinstance(settings, dict) or not isinstance(timings, dict):
        raise _damaged(source)
    return Take(
        face=face,
        motion=motion,
        voice_name=_text(header, "voice_name", source),
        voice_sha256=_text(header, "voice_sha256", source),
        model_name=_text(header, "model_name", source),
        model_sha256=_text(header, "model_sha256", source),
        settings=Settings.from_mapping(settings),
        timings={name: _number(timings, name, source) for name in timings},
    )


def _damaged(source: Path) -> UserError:
    return UserError(f"{source} is damaged.", "Animate the voice again.")


def _number(header: Mapping[str, Json], key: str, source: Path) -> float:
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _damaged(source)
    return float(value)


def _text(header: Mapping[str, Json], key: str, source: Path) -> str:
    value = header.get(key)
    if not isinstance(value, str):
        raise _damaged(source)
    return value


def _texts(header: Mapping[str, Json], key: str, source: Path) -> tuple[str, ...]:
    values = header.get(key)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _damaged(source)
    return tuple(values)


def _fps(header: Mapping[str, Json], source: Path) -> Fraction:
    values = header.get("fps")
    if (
        not isinstance(values, list)
        or len(values) != 2
        or not all(isinstance(n, int) and 0 < n < 1 << 40 for n in values)
    ):
        raise _damaged(source)
    return Fraction(values[0], values[1])

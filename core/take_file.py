# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as files: what the network said and what it was asked, so later stages can be redone.

An uncompressed npz: the motion's and the face's arrays, the emotion keys, and ``header``, JSON as
bytes. The same take gives the same bytes, except for the timings. Schema 2 added the emotion, the
pose tables, the identity, the processor, the motion's own frame rate and its shapes (diffusion).
Arrays that a take has only sometimes are left out where it has not: shapes, head, voice_power.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from . import limits
from .arrays import AnyArray
from .emotion.track import EmotionTrack, constant
from .errors import UserError
from .face.track import FaceTrack
from .files import write_npz
from .motion import Motion, MotionShapes
from .parameters import EMOTION_NAMES, PARAMETERS, Settings
from .safe_files import ArrayForm, Json, NpzReader, parse_json
from .solve.pose_table import RigOverrides
from .take import Take

SCHEMA = 2
_READABLE = (1, 2)

_Header = dict[str, Json]


def write_take(path: str | os.PathLike[str], take: Take) -> None:
    """Write a take, whole or not at all. Raises UserError when the place cannot be written."""
    face, motion = take.face, take.motion
    header = {
        "schema": SCHEMA,
        "voice_name": take.voice_name,
        "voice_sha256": take.voice_sha256,
        "model_name": take.model_name,
        "model_sha256": take.model_sha256,
        "identity": take.identity,
        "device": take.device,
        "fps": [face.fps.numerator, face.fps.denominator],
        "motion_fps": [motion.fps.numerator, motion.fps.denominator],
        "duration_s": face.duration_s,
        "names": list(face.names),
        "jaw_rest": list(face.jaw_rest) if face.jaw_rest else None,
        "emotion_names": list(take.emotion_names),
        "notices": list(face.notices),
        "settings": take.values,
        "rigs": take.rigs.to_mapping(),
        "timings": dict(take.timings),
        "network_ms_per_frame": take.network_ms_per_frame,
    }
    text = json.dumps(header, ensure_ascii=False, indent=1, allow_nan=False)
    arrays: dict[str, AnyArray] = {
        "header": np.frombuffer(text.encode("utf-8"), np.uint8),
        "skin": motion.skin,
        "tongue": motion.tongue,
        "jaw_points": motion.jaw,
        "eye_offsets": motion.eyes,
        "emotion_times": take.emotion.times_s,
        "emotion_values": take.emotion.values,
        "weights": face.weights,
        "jaw": face.jaw,
        "eyes": face.eyes,
    }
    if face.head is not None:
        arrays["head"] = face.head
    if take.voice_power is not None:
        arrays["voice_power"] = take.voice_power
    if motion.shapes is not None:
        arrays["skin_shapes"] = motion.shapes.skin
        arrays["tongue_shapes"] = motion.shapes.tongue
    write_npz(path, arrays)


def read_take(path: str | os.PathLike[str]) -> Take:
    """Read a take. Raises UserError when the file is missing, damaged or from a newer version."""
    source = Path(path)
    with NpzReader(source) as npz:
        header = _header(npz, source)
        motion = _motion(npz, header, source)
        face = _face(npz, header, source)
        emotion_names, emotion = _emotion(npz, header, source)
        voice_power = npz.floats("voice_power", (None,)) if "voice_power" in npz.names else None
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
        emotion=emotion,
        emotion_names=emotion_names,
        rigs=RigOverrides.from_mapping(header.get("rigs", {})),
        identity=_text(header, "identity", source),
        device=_text(header, "device", source),
        network_ms_per_frame=_number(header, "network_ms_per_frame", source),
        voice_power=voice_power,
        missing=tuple(name for name in PARAMETERS if name not in settings),
    )


def _header(npz: NpzReader, source: Path) -> _Header:
    """The header, one of schema 1 brought up to what schema 2 says."""
    if "header" not in npz.names:
        raise UserError(f"{source} is not a take.")
    npz.check_form("header", (None,), "u")
    (size,) = npz.form("header")[0]
    if size > limits.MAX_JSON_BYTES:
        raise UserError(f"{source}: the header is too large.")
    data = npz.read("header", ArrayForm("u", (None,))).tobytes()
    header = parse_json(data, str(source))
    if not isinstance(header, dict) or header.get("schema") not in _READABLE:
        raise UserError(f"{source} was not made by this version.", "Animate the voice again.")
    if header["schema"] == 1:
        header = {
            "motion_fps": header.get("fps"),
            "emotion_names": list(EMOTION_NAMES),
            "identity": "",
            "device": "cpu",
            "network_ms_per_frame": 0.0,
            **header,
        }
    return header


def _motion(npz: NpzReader, header: _Header, source: Path) -> Motion:
    skin = npz.floats("skin", (None, None))
    count = len(skin)
    tongue = npz.floats("tongue", (count, None))
    shapes = None
    if "skin_shapes" in npz.names:
        shapes = MotionShapes(
            npz.floats("skin_shapes", (skin.shape[1], None, 3)),
            npz.floats("tongue_shapes", (tongue.shape[1], None, 3)),
        )
    return Motion(
        skin=skin,
        tongue=tongue,
        jaw=npz.floats("jaw_points", (count, None, 3)),
        eyes=npz.floats("eye_offsets", (count, 2, 2)),
        fps=_fps(header, "motion_fps", source),
        shapes=shapes,
    )


def _face(npz: NpzReader, header: _Header, source: Path) -> FaceTrack:
    names = _texts(header, "names", source)
    weights = npz.floats("weights", (None, len(names)))
    duration_s = _number(header, "duration_s", source)
    if not 0 <= duration_s <= limits.MAX_DURATION_S + 1:  # resampling may have added a little
        raise _damaged(source)
    return FaceTrack(
        names=names,
        weights=weights,
        jaw=npz.floats("jaw", (len(weights), 4, 4)),
        eyes=npz.floats("eyes", (len(weights), 2, 2)),
        fps=_fps(header, "fps", source),
        duration_s=duration_s,
        notices=_texts(header, "notices", source),
        head=npz.floats("head", (len(weights), 3)) if "head" in npz.names else None,
        jaw_rest=_jaw_rest(header, source),
    )


def _jaw_rest(header: _Header, source: Path) -> tuple[float, float, float] | None:
    """Takes of before it was written have none."""
    place = header.get("jaw_rest")
    if place is None:
        return None
    if not isinstance(place, list) or len(place) != 3:
        raise _damaged(source)
    x, y, z = (_number({"axis": value}, "axis", source) for value in place)
    return x, y, z


def _emotion(npz: NpzReader, header: _Header, source: Path) -> tuple[tuple[str, ...], EmotionTrack]:
    names = _texts(header, "emotion_names", source)
    if header["schema"] == 1:  # one emotion for the whole take, only in its settings
        settings = header.get("settings")
        if not isinstance(settings, dict):
            raise _damaged(source)
        return names, constant(Settings.from_mapping(settings).emotion(names))
    times = npz.read("emotion_times", ArrayForm("f", (None,))).astype(np.float64)
    return names, EmotionTrack(times, npz.floats("emotion_values", (len(times), len(names))))


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
    return tuple(str(value) for value in values)


def _fps(header: Mapping[str, Json], key: str, source: Path) -> Fraction:
    values = header.get(key)
    if not isinstance(values, list) or len(values) != 2:
        raise _damaged(source)
    numerator, denominator = values
    if not isinstance(numerator, int) or not isinstance(denominator, int):
        raise _damaged(source)
    if not (0 < numerator < 1 << 40 and 0 < denominator < 1 << 40):
        raise _damaged(source)
    return Fraction(numerator, denominator)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights file of legacy Audio2Face, as JSON.

Keys: ``exportFps`` number, ``trackPath`` text, ``numPoses``, ``numFrames``, ``facsNames`` (names),
``weightMat`` (numFrames rows of numPoses numbers), and

``joints``        ["leftEye", "rightEye", "jaw"]
``rotations``     per frame, per joint, [X, Y, Z] degrees: right-handed turns about fixed X, then Y,
                  then Z, Y up; eyes have Z = 0, positive X looks down, positive Y looks to the
                  character's left
``translations``  per frame, per joint, [X, Y, Z] in the model's unit; 0 for the eyes, whose turns
                  are about their own centres. The jaw moves as ``p' = R p + t`` in model space
``headRotations`` only with head motion, and only ours: per frame [pitch, yaw, roll] as in
                  ``postprocess.head_motion``

Numbers are rounded to 6 decimals, so the same face gives the same bytes. The order of names is the
published models' (52 ARKit, then 16 tongue); readers go by name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from .. import limits
from ..arrays import AnyArray, Doubles
from ..errors import UserError
from ..face.track import FaceTrack
from ..files import write_text
from ..safe_files import Json, read_json
from .rest import face_from

JOINTS = ("leftEye", "rightEye", "jaw")
DEFAULT_FPS = 60
_DECIMALS = 6
BLOCK = 256  # frames in one piece of a file's text


def write_weights(path: str | os.PathLike[str], face: FaceTrack, track_path: str = "") -> None:
    """Write a face's weights, eyes and jaw; ``track_path`` names the voice.

    Whole or not at all. Raises UserError when the place cannot be written.
    """
    write_text(path, "".join(weights_pieces(face, track_path)))


def weights_pieces(face: FaceTrack, track_path: str = "") -> Iterator[str]:
    """The file's text in pieces."""
    rotations, translations = joint_values(face)
    head = {
        "exportFps": plain_rate(face.fps),
        "trackPath": track_path,
        "numPoses": len(face.names),
        "numFrames": face.frame_count,
        "facsNames": list(face.names),
        "joints": list(JOINTS),
    }
    tables: dict[str, AnyArray] = {
        "weightMat": face.weights,
        "rotations": rotations,
        "translations": translations,
    }
    if face.head is not None:
        tables["headRotations"] = face.head
    yield from json_pieces(head, tables)


def json_pieces(head: Mapping[str, Json], tables: Mapping[str, AnyArray]) -> Iterator[str]:
    """An object of plain values, then tables of rounded numbers with one row a line."""
    yield "{\n" + ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in head.items())
    for key, values in tables.items():
        yield f',\n"{key}": [\n'
        for start in range(0, len(values), BLOCK):
            rows = _rounded(values[start : start + BLOCK]).tolist()
            yield (",\n" if start else "") + ",\n".join(json.dumps(row) for row in rows)
        yield "\n]"
    yield "\n}\n"


def plain_rate(fps: Fraction) -> int | float:
    """A rate as files have it: whole where it is."""
    return int(fps) if fps.denominator == 1 else float(fps)


def _rounded(values: AnyArray) -> Doubles:
    rounded = np.asarray(np.round(values.astype(np.float64), _DECIMALS), np.float64)
    return rounded + np.float64(0)  # no negative zeros


def joint_values(face: FaceTrack) -> tuple[Doubles, Doubles]:
    """Rotations in degrees and translations, (T, 3, 3) [joint][X, Y, Z], of ``JOINTS``."""
    rotations = np.zeros((face.frame_count, 3, 3))
    translations = np.zeros_like(rotations)
    rotations[:, 0, :2] = face.eyes[:, 1]
    rotations[:, 1, :2] = face.eyes[:, 0]
    rotations[:, 2] = angles_of(face.jaw[:, :3, :3].astype(np.float64))
    translations[:, 2] = face.jaw[:, :3, 3]
    return rotations, translations


def angles_of(turns: Doubles) -> Doubles:
    """Degrees (T, 3) about fixed X, Y, Z of rotation matrices (T, 3, 3) = Rz Ry Rx."""
    level = np.hypot(turns[:, 0, 0], turns[:, 1, 0])
    x = np.arctan2(turns[:, 2, 1], turns[:, 2, 2])
    y = np.arctan2(-turns[:, 2, 0], level)
    z = np.arctan2(turns[:, 1, 0], turns[:, 0, 0])
    return np.degrees(np.stack([x, y, z], axis=1))


def turns_of(degrees: Doubles) -> Doubles:
    """Rotation matrices (T, 3, 3) = Rz Ry Rx of degrees (T, 3)."""
    x, y, z = np.radians(degrees).T
    zero, one = np.zeros_like(x), np.ones_like(x)

    def matrix(*rows: AnyArray) -> Doubles:
        return np.stack(rows, axis=1).reshape(-1, 3, 3)

    about_x = matrix(one, zero, zero, zero, np.cos(x), -np.sin(x), zero, np.sin(x), np.cos(x))
    about_y = matrix(np.cos(y), zero, np.sin(y), zero, one, zero, -np.sin(y), zero, np.cos(y))
    about_z = matrix(np.cos(z), -np.sin(z), zero, np.sin(z), np.cos(z), zero, zero, zero, one)
    return about_z @ about_y @ about_x


def read_weights(path: str | os.PathLike[str]) -> FaceTrack:
    """Read a weights file of ours or of legacy Audio2Face.

    ``exportFps`` may be missing (60 then), ``numPoses`` may be wrong (the list of names counts).
    Without joints the jaw rests and the eyes turn as the eyeLook poses say. Raises UserError naming
    the file and the reason.
    """
    source = Path(path)
    values = read_json(source, limits.MAX_WEIGHTS_JSON_BYTES)
    names = values.get("facsNames")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        if "mh_curveNames" in values:
            raise UserError(
                f"{source} holds the curves of a MetaHuman, which cannot be turned back.",
                "Choose a file of weights, such as _bsweight.json.",
            )
        raise UserError(
            f"{source} is not a weights file: it has no facsNames.", "Choose another file."
        )
    if len(set(names)) != len(names):
        raise UserError(f"{source}: facsNames names a pose twice.")
    if len(names) > limits.MAX_POSES or max(map(len, names)) > limits.MAX_POSE_NAME:
        raise UserError(f"{source}: facsNames names too many poses, or one too long.")
    weights = _numbers(values, "weightMat", (None, len(names)), source)
    count = len(weights)
    if count > limits.MAX_FRAMES:
        raise UserError(f"{source} is too long: {count} frames.")
    fps = values.get("exportFps", DEFAULT_FPS)
    if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not 0 < fps <= limits.MAX_FPS:
        raise UserError(f"{source}: exportFps is {fps!r}; it has to be a frame rate.")
    rate = Fraction(fps).limit_denominator(limits.MAX_FPS_DENOMINATOR)
    eyes, jaw = _read_joints(values, count, source)
    head = None
    if "headRotations" in values:
        head = _numbers(values, "headRotations", (count, 3), source)
    return face_from(names, weights, rate, eyes, jaw, head)


def _read_joints(
    values: dict[str, Json], count: int, source: Path
) -> tuple[Doubles | None, Doubles | None]:
    if values.get("joints") != list(JOINTS):
        return None, None
    eyes = np.zeros((count, 2, 2))
    jaw = np.repeat(np.eye(4)[None], count, axis=0)
    rotations = _numbers(values, "rotations", (count, 3, 3), source)
    translations = _numbers(values, "translations", (count, 3, 3), source)
    eyes[:, 1], eyes[:, 0] = rotations[:, 0, :2], rotations[:, 1, :2]
    jaw[:, :3, :3] = turns_of(rotations[:, 2])
    jaw[:, :3, 3] = translations[:, 2]
    return eyes, jaw


def _numbers(
    values: dict[str, Json], key: str, shape: tuple[int | None, ...], source: Path
) -> Doubles:
    """A nested list as an array; only numbers, of the shape wanted. Raises UserError."""
    try:
        array = np.array(values.get(key))
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.size == 0 and isinstance(values.get(key), list):
        array = np.zeros([n or 0 for n in shape])
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind not in "if" or not fits:
        wanted = " x ".join("frames" if n is None else str(n) for n in shape)
        raise UserError(f"{source}: {key} has to hold {wanted} numbers.")
    numbers = array.astype(np.float64)
    if numbers.size and not np.abs(numbers).max() <= limits.MAX_COORDINATE:
        raise UserError(f"{source}: {key} holds a number that is too large.")
    return numbers

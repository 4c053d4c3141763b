# SPDX-License-Identifier: GPL-3.0-or-later
"""SkelAnimations of USD as a face: from our text reader, or from USD's own library.

Several animations of one file (one for each mesh of a head) are taken together where their times
are the same; of a name that stands in several, the first counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .. import limits
from ..arrays import AnyArray, Doubles
from ..errors import UserError
from ..face.track import FaceTrack
from ..safe_files import read_limited
from .rest import face_from
from .sampling import Evenly, evenly
from .usda import MAGIC, parse_usda
from .weights_json import JOINTS, angles_of
from .weights_usd import matrices_of

CENTIMETRE = 0.01  # the model's unit in metres
_KIND = "SkelAnimation"
_AGAIN = "Export the file again, or choose another."


@dataclass(frozen=True)
class Clip:
    """One animation: weights (n, P) of ``names`` at ``times`` (n,) in time codes; turns (n, J, 4)
    [w, x, y, z] and moves (n, J, 3) of ``joints``, where it has them at those times."""

    names: tuple[str, ...]
    times: Doubles
    weights: Doubles
    joints: tuple[str, ...] = ()
    turns: Doubles = field(default_factory=lambda: np.zeros((0, 0, 4)))
    moves: Doubles = field(default_factory=lambda: np.zeros((0, 0, 3)))


def is_text(path: Path) -> bool:
    """Whether a layer is USD's text form. Raises UserError when it cannot be read."""
    return read_head(path, len(MAGIC)) == MAGIC


def read_head(path: Path, count: int) -> bytes:
    """The first bytes of a file. Raises UserError."""
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}.", "Choose an existing file.") from error


def face_of_text(path: Path) -> FaceTrack:
    """The face in a text layer. Raises UserError naming the file and what is wrong."""
    root = parse_usda(read_limited(path, limits.MAX_WEIGHTS_JSON_BYTES), str(path))
    meta = root.meta
    clips = [
        clip
        for prim in root.walk()
        if prim.kind == _KIND and (clip := _clip(prim.values, path)) is not None
    ]
    rate = meta.get("timeCodesPerSecond", meta.get("framesPerSecond", 24.0))
    return _face(clips, rate, meta.get("metersPerUnit", CENTIMETRE), path)


def face_of_stage(path: Path, usd: Any) -> FaceTrack:
    """The face in any layer that USD's library opens; ``usd`` is its module ``pxr.Usd``.

    Raises UserError naming the file and what is wrong.
    """
    try:
        stage = usd.Stage.Open(str(path))
    except Exception as error:  # the library's own kinds, none of them public
        reason = str(error).strip().splitlines()
        raise UserError(f"{path} cannot be read as USD: {reason[-1][:200] if reason else ''}.") \
            from error  # fmt: skip
    clips = [
        clip
        for prim in stage.Traverse()
        if prim.GetTypeName() == _KIND and (clip := _clip(_values(prim), path)) is not None
    ]
    metres = stage.GetRootLayer().pseudoRoot.GetInfo("metersPerUnit") or CENTIMETRE
    return _face(clips, stage.GetTimeCodesPerSecond(), metres, path)


def _values(prim: Any) -> dict[str, Any]:
    """A prim's attributes in the form of the text reader's."""
    found: dict[str, Any] = {}
    for name in ("blendShapes", "joints"):
        value = prim.GetAttribute(name).Get()
        if value is not None:
            found[name] = [str(each) for each in value]
    for name in ("blendShapeWeights", "rotations", "translations"):
        attribute = prim.GetAttribute(name)
        times = attribute.GetTimeSamples() if attribute else []
        if len(times) > limits.MAX_FRAMES:
            raise UserError(f"The animation {prim.GetName()} has more frames than are accepted.")
        take = _quats if name == "rotations" else np.array
        pairs = [(time, take(attribute.Get(time))) for time in times]
        if pairs:
            found[f"{name}.timeSamples"] = pairs
        elif attribute and attribute.HasValue():
            found[name] = take(attribute.Get())
    return found


def _quats(values: Any) -> Doubles:
    return np.array([[each.real, *each.imaginary] for each in values], np.float64).reshape(-1, 4)


def _clip(values: Mapping[str, Any], path: Path) -> Clip | None:
    """An animation of weights; None for one that has none. Raises UserError."""
    names = values.get("blendShapes")
    if names is None or len(names) == 0:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise UserError(f"{path}: blendShapes has to be a list of names.", _AGAIN)
    if len(names) > limits.MAX_POSES or len(set(names)) != len(names):
        raise UserError(f"{path}: blendShapes names too many poses, or one twice.", _AGAIN)
    times, weights = _table(values, "blendShapeWeights", (len(names),), path)
    joints = values.get("joints")
    joints = tuple(joints) if isinstance(joints, list) else ()
    clip = Clip(tuple(names), times, weights)
    if not set(JOINTS) <= set(joints):
        return clip
    at, turns = _table(values, "rotations", (len(joints), 4), path)
    when, moves = _table(values, "translations", (len(joints), 3), path)
    if not (np.array_equal(at, times) and np.array_equal(when, times)):
        return clip
    return Clip(clip.names, times, weights, joints, turns, moves)


def _table(
    values: Mapping[str, Any], key: str, shape: tuple[int, ...], path: Path
) -> tuple[Doubles, Doubles]:
    """Times (n,) and values (n, *shape), sorted by time. Raises UserError."""
    pairs = values.get(f"{key}.timeSamples")
    if pairs is None:
        pairs = [(0.0, values.get(key))]
    rows = []
    for time, value in sorted(pairs, key=lambda pair: pair[0]):
        row = np.asarray(value if value is not None else [])
        if row.shape != shape or row.dtype.kind not in "fiu" or not _usable(row):
            wanted = " x ".join(map(str, shape))
            raise UserError(f"{path}: {key} at {time:g} has to hold {wanted} numbers.", _AGAIN)
        rows.append(row.astype(np.float64))
    times = np.array([time for time, _value in sorted(pairs, key=lambda pair: pair[0])])
    return times, np.stack(rows) if rows else np.zeros((0, *shape))


def _usable(row: AnyArray) -> bool:
    return bool(np.isfinite(row).all() and np.abs(row).max(initial=0.0) <= limits.MAX_COORDINATE)


def _face(clips: list[Clip], rate: Any, metres: Any, path: Path) -> FaceTrack:
    if not clips:
        raise UserError(
            f"{path} holds no blend shape weights: it has no SkelAnimation with blendShapes.",
            "Choose a file that was exported with them.",
        )
    for what, value in (("timeCodesPerSecond", rate), ("metersPerUnit", metres)):
        if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
            raise UserError(f"{path}: {what} has to be a number above 0.", _AGAIN)
    first = max(clips, key=lambda clip: (len(clip.names), len(clip.times)))
    columns: dict[str, Doubles] = {}
    left = 0
    for clip in [first, *(clip for clip in clips if clip is not first)]:
        if not np.array_equal(clip.times, first.times):
            left += 1
            continue
        for column, name in enumerate(clip.names):
            columns.setdefault(name, clip.weights[:, column])
    codes = Fraction(rate).limit_denominator(limits.MAX_FPS_DENOMINATOR)
    even = evenly(first.times, codes, str(path))
    weights = np.stack(list(columns.values()), axis=1)
    joined = next((c for c in clips if c.joints and np.array_equal(c.times, first.times)), None)
    eyes, jaw = _joined(joined, even, float(metres) / CENTIMETRE) if joined else (None, None)
    notices = (f"{left} animations of {path.name} have other frames and were left out.",)
    return face_from(
        tuple(columns), even.rows(weights), even.rate, eyes, jaw, notices=notices if left else ()
    )


def _joined(clip: Clip, even: Evenly, unit: float) -> tuple[Doubles, Doubles]:
    """Angles of the eyes (T, 2, 2) and the jaw's motion (T, 4, 4)."""
    left, right, jaw = (clip.joints.index(name) for name in JOINTS)
    turns = matrices_of(even.rows(clip.turns))
    motion = np.tile(np.eye(4), (even.count, 1, 1))
    motion[:, :3, :3] = turns[:, jaw]
    motion[:, :3, 3] = even.rows(clip.moves)[:, jaw] * unit
    angles = np.stack([angles_of(turns[:, right]), angles_of(turns[:, left])], axis=1)
    return angles[:, :, :2], motion

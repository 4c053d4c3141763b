# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that the Live Link Face app saves beside its recordings.

63 columns: ``Timecode`` (HH:MM:SS:FF.fff, frames of the rate rounded up, none dropped),
``BlendshapeCount`` (61), the 52 ARKit poses in the app's order with a capital first letter, and
yaw, pitch and roll in radians of head, left and right eye: right-handed, Y up, positive yaw turns
to the character's left, positive pitch down. Written in this order, read by the names.

The jaw's own motion and the poses of the tongue have no columns.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from .. import limits
from ..arrays import AnyArray, Doubles
from ..errors import UserError
from ..face.track import FaceTrack
from ..naming import ARKIT_NAMES, match
from ..safe_files import read_limited
from .rest import face_from
from .sampling import evenly
from .weights_json import BLOCK

TIMECODE, COUNT = "Timecode", "BlendshapeCount"
ROTATIONS: tuple[str, ...] = tuple(
    f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll")
)
VALUES = len(ARKIT_NAMES) + len(ROTATIONS)
MAX_CSV_BYTES = 512 << 20
DAY_S = 24 * 3600
USUAL_RATES = (24, 25, 30, 48, 50, 60, 100, 120, 240)
DEFAULT_RATE = 60  # of the app
# The app has these the other way round than ARKit's list
_SWAPPED = {"jawLeft": "jawRight", "mouthLeft": "mouthRight"}
_SWAPPED |= {other: name for name, other in _SWAPPED.items()}
APP_ORDER: tuple[str, ...] = tuple(_SWAPPED.get(name, name) for name in ARKIT_NAMES)
_TIME = re.compile(r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d+)?)\s*")
_AGAIN = "Export the recording again, or choose another file."


def live_link_pieces(face: FaceTrack) -> Iterator[str]:
    """The text, in pieces, of a face's 52 poses, head and eyes; poses that it lacks are 0."""
    column = {name: index for index, name in enumerate(face.names)}
    table = np.zeros((face.frame_count, VALUES))
    for place, name in enumerate(APP_ORDER):
        if name in column:
            table[:, place] = face.weights[:, column[name]]
    turns = np.zeros((face.frame_count, 3, 3))  # [part][yaw, pitch, roll]
    if face.head is not None:
        turns[:, 0] = face.head[:, (1, 0, 2)]
    turns[:, 1, :2] = face.eyes[:, 1, ::-1]
    turns[:, 2, :2] = face.eyes[:, 0, ::-1]
    table[:, len(APP_ORDER) :] = np.radians(turns).reshape(-1, 9)
    table = np.round(table, 8) + 0.0
    nominal = math.ceil(face.fps)
    names = [name[0].upper() + name[1:] for name in APP_ORDER]
    yield ",".join((TIMECODE, COUNT, *names, *ROTATIONS)) + "\n"
    for start in range(0, len(table), BLOCK):
        yield "".join(
            f"{timecode(start + place, nominal)},{VALUES},"
            + ",".join(f"{value:.8f}" for value in row)
            + "\n"
            for place, row in enumerate(table[start : start + BLOCK].tolist())
        )


def timecode(frame: int, rate: int) -> str:
    """A frame counted at a whole rate as HH:MM:SS:FF.fff."""
    seconds, rest = divmod(frame, rate)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours % 24:02d}:{minute:02d}:{second:02d}:{rest:02d}.000"


def read_live_link_csv(path: str | os.PathLike[str], fps: Fraction | None = None) -> FaceTrack:
    """Read a recording; missing rows are filled in, of rows of one time the last counts.

    The file does not say its rate: ``fps`` does, else it is the lowest usual one that its time
    codes fit, 60 when they stay within one second. Raises UserError naming the file, the line and
    what is wrong.
    """
    source = Path(path)
    header, rows, codes = _table(source)
    nominal = math.ceil(fps) if fps is not None else _rate(codes)
    if codes[:, 1].max(initial=0.0) >= nominal + 1:
        raise UserError(
            f"{source} counts more than {nominal} frames a second.", "Choose a higher rate."
        )
    frames, kept = _in_order(codes, nominal)
    even = evenly(frames[kept], fps or Fraction(nominal), str(source))
    values = even.rows(rows[kept])
    turns = np.zeros((even.count, 3, 3))
    known = {name.casefold(): place for place, name in enumerate(header)}
    for place, name in enumerate(ROTATIONS):
        if name.casefold() in known:
            turns[:, place // 3, place % 3] = np.degrees(values[:, known[name.casefold()]])
    poses = [name for name in header if name.casefold() not in {r.casefold() for r in ROTATIONS}]
    names, columns = _poses(poses, header, source)
    has_eyes = any("eye" in name.casefold() for name in header if name not in poses)
    has_head = any(name.casefold().startswith("head") for name in header if name not in poses)
    eyes = np.stack([turns[:, 2, 1::-1], turns[:, 1, 1::-1]], axis=1)
    return face_from(
        names,
        values[:, columns],
        even.rate,
        eyes if has_eyes else None,
        head=turns[:, 0, (1, 0, 2)] if has_head and turns[:, 0].any() else None,
    )


def _table(source: Path) -> tuple[list[str], Doubles, Doubles]:
    """Names of the values' columns, the values (n, columns), and seconds and frames (n, 2)."""
    try:
        text = read_limited(source, MAX_CSV_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{source} is no table of Live Link Face: it is not UTF-8.") from error
    lines = csv.reader(io.StringIO(text, newline=""))
    values: list[list[float]] = []
    codes: list[tuple[float, float]] = []
    try:
        header = [name.strip() for name in next(lines, [])]
        columns = _columns(header, source)
        place = header.index(next(name for name in header if name.casefold() == "timecode"))
        for row in lines:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise ValueError(f"{len(row)} values instead of {len(header)}")
            codes.append(_time(row[place]))
            values.append([_value(row[column], header[column]) for column in columns])
            if len(values) > limits.MAX_FRAMES:
                raise ValueError(f"more than {limits.MAX_FRAMES} frames")
    except (ValueError, csv.Error) as error:
        raise UserError(f"{source}, line {lines.line_num}: {error}.", _AGAIN) from error
    if not values:
        raise UserError(f"{source} holds no frames.", _AGAIN)
    return [header[column] for column in columns], np.array(values), np.array(codes)


def _columns(header: Sequence[str], source: Path) -> list[int]:
    """The columns with values. Raises UserError when it is no table of the app."""
    lower = [name.casefold() for name in header]
    if "timecode" not in lower:
        raise UserError(f"{source} is no table of Live Link Face: it has no column Timecode.")
    if len(header) > limits.MAX_POSES:
        raise UserError(f"{source} has too many columns: {len(header)}.", _AGAIN)
    twice = next((name for name in header if lower.count(name.casefold()) > 1), "")
    if twice or "" in lower:
        what = f"the column {twice} twice" if twice else "a column without a name"
        raise UserError(f"{source} has {what}.", _AGAIN)
    return [at for at, name in enumerate(lower) if name not in ("timecode", COUNT.casefold())]


def _value(text: str, name: str) -> float:
    number = float(text) if text.strip() else 0.0  # the app leaves cells empty it has no value for
    if not math.isfinite(number) or abs(number) > limits.MAX_COORDINATE:
        raise ValueError(f"{name} is {text.strip()[:20]}, which is no usable number")
    return number


def _time(text: str) -> tuple[float, float]:
    """Whole seconds and frames of a time code."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:20]!r} is no time code HH:MM:SS:FF.fff")
    hours, minutes, seconds, frames = found.groups()
    return float((int(hours) * 60 + int(minutes)) * 60 + int(seconds)), float(frames)


def _rate(codes: Doubles) -> int:
    """The rate that time codes count in."""
    highest = math.floor(codes[:, 1].max()) + 1
    if np.ptp(codes[:, 0]) == 0:
        highest = max(highest, DEFAULT_RATE)
    return next((rate for rate in USUAL_RATES if rate >= highest), highest)


def _in_order(codes: Doubles, rate: int) -> tuple[Doubles, AnyArray]:
    """Frames (n,) counted on over midnight, and the rows to keep, one for each time."""
    seconds = codes[:, 0].copy()
    back = np.diff(seconds) < -DAY_S / 2
    seconds[1:] += np.cumsum(back) * DAY_S
    frames = seconds * rate + codes[:, 1]
    order = np.argsort(frames, kind="stable")
    last = np.append(np.diff(frames[order]) > 0, True)
    return frames, order[last]


def _poses(
    poses: Sequence[str], header: Sequence[str], source: Path
) -> tuple[list[str], list[int]]:
    """Names as ARKit writes them, others as they are, with their columns."""
    pairs = match(ARKIT_NAMES, poses).pairs
    ours = {names[0]: wanted for wanted, names in pairs.items() if len(names) == 1}
    if not ours:
        raise UserError(f"{source} is no table of Live Link Face: it has no pose of ARKit's.")
    return [ours.get(name, name) for name in poses], [header.index(name) for name in poses]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw samples: checked, interleaved, and as the bytes of a sound file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import UserError
from ..core.limits import MAX_CHANNELS, MAX_RATE, MIN_RATE
from ..core.voice.audio import Voice

PCM, FLOAT = 1, 3  # format tags of a wav file

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Samples:
    """A voice as numbers: float32 in -1 to 1, or int16.

    ``values``   (N,) interleaved, or (N / channels, channels); anything numpy can look at
    ``rate``     samples per second and channel, 4,000 to 768,000
    ``channels`` 1 to 64

    Raises UserError naming what is wrong.
    """

    values: Any
    rate: int
    channels: int = 1

    def __post_init__(self) -> None:
        check_format(self.rate, self.channels)
        object.__setattr__(self, "values", interleaved(self.values, self.channels))

    @property
    def duration_s(self) -> float:
        return len(self.values) / (self.rate * self.channels)

    def voice(self, name: str = "Samples") -> Voice:
        """The samples as a sound file in memory."""
        return Voice(data=_wav(self.values, self.rate, self.channels), name=name)


def check_format(rate: int, channels: int) -> None:
    """Raise UserError unless this rate and this number of channels can be taken."""
    for name, value, low, high in (
        ("rate", rate, MIN_RATE, MAX_RATE),
        ("channels", channels, 1, MAX_CHANNELS),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise UserError(f"{name} has to be a whole number, not {value!r}.")
        if not low <= value <= high:
            raise UserError(f"{name} is {value}; it has to be between {low} and {high}.")


def interleaved(values: Any, channels: int) -> Array:
    """Samples as one row (N,) float32 or int16 in native order, a copy of the caller's.

    Raises UserError for another type or shape.
    """
    array = np.asarray(values)
    kind = array.dtype.newbyteorder("=")
    if kind not in (np.dtype(np.float32), np.dtype(np.int16)):
        raise UserError(f"samples have to be float32 or int16, not {array.dtype}.")
    if array.ndim == 2 and array.shape[1] != channels:
        raise UserError(f"samples have {array.shape[1]} columns, but channels is {channels}.")
    if array.ndim not in (1, 2):
        raise UserError("samples have to be one row, or one column per channel.")
    if array.size % channels:
        raise UserError(f"{array.size} samples cannot be shared out to {channels} channels.")
    return np.array(array, kind, order="C").reshape(-1)


def as_floats(values: Array) -> Array:
    """Samples as float32 in -1 to 1, so that pieces of both kinds can follow one another."""
    return values.astype(np.float32) / np.float32(32768) if values.dtype == np.int16 else values


def _wav(values: Array, rate: int, channels: int) -> bytes:
    """A wav file (little-endian) of interleaved samples."""
    tag = PCM if values.dtype == np.int16 else FLOAT
    width = values.dtype.itemsize
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    step = width * channels
    about = struct.pack("<HHIIHH", tag, channels, rate, rate * step, step, 8 * width)
    chunks = b"fmt " + struct.pack("<I", len(about)) + about
    chunks += b"data" + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks

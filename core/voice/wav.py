# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing sound piece by piece: mono WAV files of float32, so that nothing is lost.

The form is that of the published WAVE specification for samples that are no integers: a "fmt "
chunk with an empty extension, and a "fact" chunk with the number of samples.
"""

from __future__ import annotations

import struct
from typing import IO

import numpy as np

from ..arrays import Floats

_HEAD = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")
_FLOAT = 3  # the format's number
_BYTES = 4  # per sample
MAX_SAMPLES = ((1 << 32) - 1 - _HEAD.size) // _BYTES  # a WAV file ends at 4 GiB


class WavWriter:
    """Writes to a stream that is open for binary writing; the caller closes it.

    ``samples`` counts what was written. After ``flush`` the stream holds a whole file.
    """

    def __init__(self, stream: IO[bytes], rate: int) -> None:
        self.samples = 0
        self._stream, self._rate = stream, rate
        self._stream.write(self._head())

    def write(self, samples: Floats) -> None:
        """Add (n,) samples. Raises OSError, and ValueError beyond ``MAX_SAMPLES``."""
        if self.samples + len(samples) > MAX_SAMPLES:
            raise ValueError("a WAV file cannot be longer")
        self._stream.write(np.ascontiguousarray(samples, "<f4").tobytes())
        self.samples += len(samples)

    def flush(self) -> None:
        """Bring the header up to date and everything to the file. Raises OSError."""
        self._stream.seek(0)
        self._stream.write(self._head())
        self._stream.seek(0, 2)
        self._stream.flush()

    def _head(self) -> bytes:
        size = self.samples * _BYTES
        return _HEAD.pack(
            b"RIFF", _HEAD.size - 8 + size, b"WAVE",
            b"fmt ", 18, _FLOAT, 1, self._rate, self._rate * _BYTES, _BYTES, 8 * _BYTES, 0,
            b"fact", 4, self.samples,
            b"data", size,
        )  # fmt: skip

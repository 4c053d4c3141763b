# SPDX-License-Identifier: GPL-3.0-or-later
"""How strong a voice is, every 20 ms, as it comes in."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats

HOP = 320  # samples at 16 kHz between two values
_CALM = 8  # samples whose mean is taken first: hisses are loud but carry no stress


class VoicePower:
    """``push`` samples of a voice, get the values of all hops that are whole.

    Cut anywhere, the values are the same to the bit. ``gain`` on the samples.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self._gain = gain
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Floats) -> Floats:
        """Take (n,) float32 mono samples at 16 kHz; mean squares (K,) float32 of the next hops.

        Value k is that of the samples 320 k .. 320 k + 319, below about 1 kHz.
        """
        samples = np.concatenate([self._rest, samples])
        count = len(samples) // HOP
        self._rest = samples[count * HOP :]
        parts = samples[: count * HOP].astype(np.float64).reshape(count, HOP // _CALM, _CALM)
        calm = parts.mean(axis=2) * self._gain
        return np.asarray((calm * calm).mean(axis=1), np.float32)

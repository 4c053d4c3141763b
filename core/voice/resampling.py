# SPDX-License-Identifier: GPL-3.0-or-later
"""Band-limited resampling, to 16 kHz as a rule, block by block.

The blocks overlap by the length of scipy's ``resample_poly`` filter, so cutting a voice into blocks
gives what the whole voice at once would give.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .. import limits
from ..arrays import Floats

# Rates with no simple ratio get the nearest simple one: under a millisecond per hour.
_MAX_UP = 2_000
_BLOCK = 1 << 16  # source samples per step, rounded to whole periods of the ratio


class Resampler:
    """Takes mono float32 samples of one rate, gives them at another: ``push`` ... ``finish``.

    n samples give ceil(n * up / down) in all, where up / down is ``target`` / rate. ``block`` is
    about how many samples are resampled at once; what comes out lags behind by as much.
    """

    def __init__(self, rate: int, block: int = _BLOCK, target: int = limits.SAMPLE_RATE) -> None:
        ratio = Fraction(rate, target).limit_denominator(_MAX_UP)
        self.up, self.down = ratio.denominator, ratio.numerator
        self._window: Floats | tuple[str, float] = ("kaiser", 5.0)
        self._pending = np.zeros(0, np.float32)
        self._lead = 0  # samples of _pending that are context already resampled
        periods = -(-block // self.down)
        self._step = periods * self.down
        reach = -(-(10 * max(self.up, self.down) + 1) // self.up) + 1
        self._context = -(-reach // self.down) * self.down

    def push(self, samples: Floats) -> Floats:
        """Take (n,) samples; return those of the other rate that no later sample can change."""
        if self.up == self.down:
            return samples
        self._pending = np.concatenate([self._pending, samples])
        done: list[Floats] = []
        while len(self._pending) >= self._lead + self._step + self._context:
            done.append(self._resampled(self._lead + self._step + self._context, self._step))
            keep_from = self._lead + self._step - self._context
            self._lead = self._context if keep_from >= 0 else self._lead + self._step
            self._pending = self._pending[max(keep_from, 0) :]
        return np.concatenate(done) if done else np.zeros(0, np.float32)

    def finish(self) -> Floats:
        """Return the rest. The resampler is not used after this."""
        rest = len(self._pending) - self._lead
        if self.up == self.down or rest <= 0:
            return np.zeros(0, np.float32)
        return self._resampled(len(self._pending), rest)

    def _resampled(self, count: int, wanted: int) -> Floats:
        """Resample the first ``count`` pending samples; keep those of ``wanted`` after the lead."""
        from scipy.signal import firwin, resample_poly

        if isinstance(self._window, tuple):
            highest = max(self.up, self.down)
            taps = firwin(20 * highest + 1, 1.0 / highest, window=self._window)
            self._window = taps.astype(np.float32)
        result = resample_poly(self._pending[:count], self.up, self.down, window=self._window)
        first = self._lead * self.up // self.down
        length = -(-wanted * self.up // self.down)
        return np.asarray(result[first : first + length], np.float32)

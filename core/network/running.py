# SPDX-License-Identifier: GPL-3.0-or-later
"""Running an opened network: time taken, failures in one sentence, values checked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import AnyArray, Floats
from ..errors import Cancelled, UserError

_HINT = "Download the model again, or choose another."


@dataclass
class Meter:
    """What a long run of a network is asked and tells.

    ``progress``  is told the share done, 0..1
    ``cancelled`` is asked between two runs
    ``seconds``   with the network at work so far, ``frames`` that came out of it
    ``notices``   sentences for the user
    """

    progress: Callable[[float], None] | None = None
    cancelled: Callable[[], bool] | None = None
    seconds: float = 0.0
    frames: int = 0
    notices: list[str] = field(default_factory=list)
    _begun: float = field(default=math.inf, init=False, repr=False)
    _ended: float = field(default=-math.inf, init=False, repr=False)

    def check(self) -> None:
        """Raises Cancelled when the caller wishes to stop."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled

    def tell(self, share: float) -> None:
        if self.progress is not None:
            self.progress(share)

    def timed(self, work: Callable[[], Any]) -> Any:
        """Do ``work`` and count its time as the network's."""
        begin = time.perf_counter()
        try:
            return work()
        finally:
            self._count(begin, time.perf_counter())

    def join(self, part: Meter) -> None:
        """Add what another meter counted over one run; time of runs side by side counts once.

        Parts are joined in the order in which they began.
        """
        self._count(part._begun, part._ended)
        self.frames += part.frames

    def _count(self, begin: float, end: float) -> None:
        self.seconds += max(0.0, end - max(begin, self._ended))
        self._begun, self._ended = min(begin, self._begun), max(end, self._ended)

    @property
    def ms_per_frame(self) -> float:
        """Milliseconds of the network per frame; 0 before there is one."""
        return 1000.0 * self.seconds / self.frames if self.frames else 0.0


def real_time(ms_per_frame: float, fps: Fraction) -> float:
    """How many times faster than the voice at ``fps`` a network was; 0 if it has not run."""
    return float(1000 / fps) / ms_per_frame if ms_per_frame > 0 else 0.0


def run(
    session: Any, output: str, feeds: Mapping[str, AnyArray], path: Path, meter: Meter
) -> Floats:
    """One run of a network, its ``output`` as float32.

    ``path`` is what messages call the network. Raises UserError when the network fails or gives
    values that are no numbers.
    """
    try:
        (result,) = meter.timed(lambda: session.run([output], dict(feeds)))
    except Exception as error:  # the runtime's own exceptions share no public base
        raise failed(path, error) from error
    check_finite(result, path)
    return result


def failed(path: Path, error: Exception) -> UserError:
    """The error to raise when a run of the network at ``path`` failed."""
    lines = str(error).strip().splitlines() or ["unknown reason"]
    return UserError(f"The network {path} failed: {lines[0][:200]}.", _HINT)


def check_finite(values: AnyArray, path: Path) -> None:
    """Raises UserError when a network gave values that are no numbers."""
    if not np.isfinite(values).all():
        raise UserError(f"The network {path} gave values that are not numbers.", _HINT)


def check_shape(values: AnyArray, shape: Sequence[int], path: Path) -> None:
    """Raises UserError when a network gave an array of another shape."""
    if values.shape != tuple(shape):
        raise UserError(f"The network {path} gave an array of the shape {values.shape}.", _HINT)

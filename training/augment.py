# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes clean synthetic speech sound like recordings: pace, rooms, microphones, noise, level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Augmenter:
    """Applies the recipe's ``[augment]`` to waveforms, driven by one random generator."""

    def __init__(
        self,
        options: dict[str, Any],
        rate: int,
        rng: np.random.Generator,
        babble: Callable[[int], np.ndarray],
    ) -> None:
        self.options, self.rate, self.rng, self.babble = options, rate, rng, babble

    def pace(self) -> float:
        """Factor by which to stretch time (and lower pitch) of the next utterance."""
        if not self._chance("pace_share"):
            return 1.0
        return float(self.rng.uniform(*self.options["pace"]))

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return ``samples`` (N,) as another microphone in another room would hear them."""
        heard = samples.astype(np.float64)
        if self._chance("swell_share"):
            heard = self._swell(heard)
        if self._chance("filter_share"):
            heard = self._filter(heard)
        if self._chance("telephone_share"):
            heard = self._band(heard, 3, [300, 3400], "bandpass")
        if self._chance("room_share"):
            heard = self._room(heard)
        if self._chance("noise_share"):
            heard = self._noise(heard)
        if self._chance("mu_law_share"):
            heard = _mu_law(heard)
        if self._chance("clip_share"):
            limit = np.abs(heard).max() * self.rng.uniform(0.3, 0.8)
            heard = np.clip(heard, -limit, limit)
        level = 10 ** (self.rng.uniform(*self.options["peak_db"]) / 20)
        return (heard * level / (np.abs(heard).max() + 1e-6)).astype(np.float32)

    def quiet(self, count: int) -> np.ndarray:
        """Silence with or without background noise, at a level from inaudible to loud."""
        level = 10 ** (self.rng.uniform(*self.options["quiet_db"]) / 20)
        if self.rng.random() < 0.25:
            return np.zeros(count, np.float32)
        noise = self._coloured(count)
        return (noise / (noise.std() + 1e-9) * level).astype(np.float32)

    def _chance(self, name: str) -> bool:
        return bool(self.rng.random() < self.options[name])

    def _swell(self, heard: np.ndarray) -> np.ndarray:
        lowest, highest = self.options["swell_db"]
        knots = self.rng.uniform(lowest, highest, size=5)
        decibels = np.interp(np.linspace(0, 4, len(heard)), np.arange(5), knots)
        return heard * 10 ** (decibels / 20)

    def _filter(self, heard: np.ndarray) -> np.ndarray:
        from scipy.signal import lfilter

        kind = self.rng.integers(3)
        if kind == 0:
            return self._band(heard, 2, self.rng.uniform(2800, 7000), "low")
        if kind == 1:
            return self._band(heard, 1, self.rng.uniform(80, 400), "high")
        return lfilter([1.0, self.rng.uniform(-0.7, 0.7)], [1.0], heard)

    def _band(self, heard: np.ndarray, order: int, edges: Any, kind: str) -> np.ndarray:
        from scipy.signal import butter, lfilter

        numerator, denominator = butter(order, np.asarray(edges) / (self.rate / 2), kind)
        return lfilter(numerator, denominator, heard)

    def _room(self, heard: np.ndarray) -> np.ndarray:
        from scipy.signal import fftconvolve

        count = int(self.rng.uniform(0.05, 0.4) * self.rate)
        fading = np.exp(-np.arange(count) / self.rate * self.rng.uniform(10, 60))
        echo = self.rng.normal(size=count) * fading * self.rng.uniform(0.02, 0.12)
        echo[0] = 1.0
        return fftconvolve(heard, echo)[: len(heard)]

    def _noise(self, heard: np.ndarray) -> np.ndarray:
        lowest, highest = self.options["noise_db"]
        if self.rng.random() < 0.15:
            noise = self.babble(len(heard)) + self.babble(len(heard))
            lowest = max(lowest, 12.0)
        else:
            noise = self._coloured(len(heard))
        level = heard.std() * 10 ** (-self.rng.uniform(lowest, highest) / 20)
        return heard + noise / (noise.std() + 1e-9) * level

    def _coloured(self, count: int) -> np.ndarray:
        from scipy.signal import lfilter

        white = self.rng.normal(size=count)
        if self.rng.random() < 0.5:
            return white
        return lfilter([1.0], [1.0, -self.rng.uniform(0.7, 0.98)], white)


def _mu_law(heard: np.ndarray) -> np.ndarray:
    loudest = np.abs(heard).max() + 1e-9
    scaled = heard / loudest
    packed = np.round(np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / np.log(256) * 128) / 128
    return np.sign(packed) * (256 ** np.abs(packed) - 1) / 255 * loudest

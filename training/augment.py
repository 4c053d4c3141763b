# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes clean synthetic speech sound like recordings: pace, rooms, microphones, noise, level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import noises

NOISES = {
    "white": noises.white,
    "coloured": noises.coloured,
    "hum": noises.hum,
    "music": noises.music,
}
FRAME = 320  # samples over which speech is called loud or not


class Augmenter:
    """Applies the recipe's ``[augment]`` to waveforms, driven by one random generator.

    ``babble(count)`` gives so many samples of somebody speaking.
    """

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
        heard = samples.astype(np.float32)
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
        """What is heard where nobody speaks: nothing, noise, music or breath, soft or loud."""
        level = 10 ** (self.rng.uniform(*self.options["quiet_db"]) / 20)
        kind = self._one_of("quiet_kinds")
        if kind == "nothing":
            return np.zeros(count, np.float32)
        sound = NOISES[kind](count, self.rate, self.rng) if kind != "breath" else None
        if sound is None:
            sound = np.zeros(count, np.float32)
            self.breathe(sound, 0, count, 1.0)
        return np.asarray(sound / (np.abs(sound).max() + 1e-9) * level, np.float32)

    def breathe(self, samples: np.ndarray, first: int, last: int, level: float) -> None:
        """Add a breath somewhere between two samples, softer than ``level``."""
        lasts = int(self.rate * self.rng.uniform(0.15, 0.5))
        if last - first < lasts:
            return
        at = first + int(self.rng.integers(last - first - lasts + 1))
        amount = level * 10 ** (self.rng.uniform(*self.options["breath_db"]) / 20)
        samples[at : at + lasts] += amount * noises.breath(lasts, self.rate, self.rng)

    def _chance(self, name: str) -> bool:
        return bool(self.rng.random() < self.options[name])

    def _one_of(self, name: str) -> str:
        shares = np.array(list(self.options[name].values()))
        return list(self.options[name])[int(self.rng.choice(len(shares), p=shares / shares.sum()))]

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
        return np.asarray(lfilter([1.0, self.rng.uniform(-0.7, 0.7)], [1.0], heard))

    def _band(self, heard: np.ndarray, order: int, edges: Any, kind: str) -> np.ndarray:
        from scipy.signal import butter, lfilter

        numerator, denominator = butter(order, np.asarray(edges) / (self.rate / 2), kind)
        return np.asarray(lfilter(numerator, denominator, heard))

    def _room(self, heard: np.ndarray) -> np.ndarray:
        from scipy.signal import oaconvolve

        far = self._chance("far_share")
        direct = self.rng.uniform(*self.options["far_direct_db" if far else "near_direct_db"])
        response = noises.room_response(self.rate, self.rng, self.options["tail_s"], direct)
        heard = oaconvolve(heard, response)[: len(heard)]
        return self._band(heard, 1, self.rng.uniform(2500, 6000), "low") if far else heard

    def _noise(self, heard: np.ndarray) -> np.ndarray:
        kind = self._one_of("noise_kinds")
        lowest, highest = self._noise_band()
        if kind == "babble":
            noise = sum(self.babble(len(heard)) for _ in range(int(self.rng.integers(3, 7))))
            lowest = max(lowest, self.options["babble_least_db"])
        else:
            noise = NOISES[kind](len(heard), self.rate, self.rng)
        decibels = self.rng.uniform(lowest, max(lowest, highest))
        level = speech_level(heard) * 10 ** (-decibels / 20)
        return np.asarray(heard + noise / (np.std(noise) + 1e-9) * level)

    def _noise_band(self) -> tuple[float, float]:
        """One of the recipe's bands of signal over noise, by their shares."""
        bands = np.array(self.options["noise_db"])
        lowest, highest, _ = bands[self.rng.choice(len(bands), p=bands[:, 2] / bands[:, 2].sum())]
        return float(lowest), float(highest)


def speech_level(heard: np.ndarray) -> float:
    """Root mean square of the frames that are not silent, against the loudest one."""
    frames = heard[: len(heard) // FRAME * FRAME].reshape(-1, FRAME)
    power = (frames * frames).mean(axis=1)
    loud = power[power > 0.01 * power.max(initial=0.0)]
    return float(np.sqrt(loud.mean())) if len(loud) else 0.0


def _mu_law(heard: np.ndarray) -> np.ndarray:
    loudest = np.abs(heard).max() + 1e-9
    scaled = heard / loudest
    packed = np.round(np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / np.log(256) * 128) / 128
    return np.asarray(np.sign(packed) * (256 ** np.abs(packed) - 1) / 255 * loudest)

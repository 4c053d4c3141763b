# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a voice tells its emotion: a fixed number of features, computed inside the network.

Every feature is an average over the frames that are loud enough, against the window's own loud
level: neither the recording's level nor silence around the voice changes it, and a stationary
sound has the same features at any length. Two spectra are taken: one for colour (25 ms at
16 kHz), one for pitch (40 ms at 4 kHz), whose autocorrelation is read at lags in even steps of
pitch.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...core.limits import SAMPLE_RATE as RATE

HOP = 160  # samples: 10 ms
HEARD = 400  # samples of a spectrum of colour
BANDS = 24
LOWEST, HIGHEST = 80.0, 7200.0  # Hz of the outermost bands' ends
SLOWER = 4  # times fewer samples for the pitch
PITCH_HEARD = 160  # samples at 4 kHz: 40 ms
RUMBLE = 5  # first bin (12.5 Hz each) that counts for the pitch
SHORTER, SHARP = 0.06, 150.0  # how a pitch is chosen among lags that are about as good
PITCHES = 72  # steps of pitch between the two
DEEPEST, SHRILLEST = 65.0, 480.0  # Hz
LEAD = (PITCH_HEARD * SLOWER - HEARD) // 2  # samples before the colour's frame of the same centre
FILTER = 33  # taps of the filter before 4 kHz
BESIDE = (17, 13)  # zeros before and behind, so that every fourth sample is kept, no more
FLOOR = 1e-5  # of a band against the loud level: -50 dB
SILENCE = 1e-12  # power of a frame that is nothing at all (a tone of -114 dB)
LAGS = (2, 5, 10, 20)  # frames between which loudness and pitch are compared
STRESS = 3.0  # per octave: how much more the ends of the pitch count than its middle
TINY = 1e-6
FEATURES = 4 * BANDS + 2 * (2 + len(LAGS)) + 3 + 4


class Ear(nn.Module):
    """Samples (B, L) -> features (B, FEATURES) and how much of a voice there is (B,), 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bands", _tensor(_mel_filters()))
        self.register_buffer("low", _tensor(_low_pass())[None, None])
        # Kernels are computed of these in the graph: the file stays small, and who opens it
        # computes them once
        self.register_buffer("counted", torch.arange(HEARD))
        lags, window = _lags()
        self.register_buffer("lags", _tensor(lags))
        self.register_buffer("window", _tensor(window))

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        wave = samples[:, None, :]
        colours = self._spectrum(wave[:, :, LEAD:-LEAD], HEARD, HOP, HEARD)
        bands = colours.transpose(1, 2) @ self.bands
        strength, pitch = self._pitch(wave)
        power = bands.sum(2)
        loud = (power.square().sum(1) / (power.sum(1) + SILENCE * TINY) + SILENCE)[:, None]
        loudness = torch.log(power / loud + FLOOR)  # about 0 for loud frames
        active = torch.sigmoid((loudness + 5.0) * 2.0) * power / (power + SILENCE)
        voiced = active * torch.sigmoid((strength - 0.5) * 15.0)
        colour = torch.log(bands / loud[:, :, None] * BANDS + FLOOR)
        mean, spread, moved = _colours(colour, active)
        features = [
            mean,
            spread,
            moved,
            _moves(loudness, active),
            _moves(pitch, voiced),
            _melody(pitch, voiced),
            _mean(strength, active)[:, None],
            _share(voiced, active)[:, None],
            _edges(active)[:, None],
            _edges(voiced)[:, None],
            _mean(colour, voiced[:, :, None]),
        ]
        return torch.cat(features, 1), _presence(active, voiced, moved)

    def _pitch(self, wave: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """How periodic each frame is, -1..1, and its pitch in octaves above 65 Hz, (B, T) each."""
        slow = functional.conv1d(functional.pad(wave, BESIDE), self.low, stride=SLOWER)
        size = 2 * PITCH_HEARD
        power = self._spectrum(slow, PITCH_HEARD, HOP // SLOWER, size)[:, RUMBLE:]
        turn = self.counted[RUMBLE : size // 2 + 1, None] * self.lags
        kernel = torch.cos(turn * (2.0 * math.pi / size)) / self.window
        energy = power.sum(1)[:, :, None] + SILENCE * TINY
        likeness = power.transpose(1, 2) @ kernel / energy
        # A lag and its double are as good as each other: the shorter one is meant
        octaves = torch.arange(PITCHES) * (_span() / (PITCHES - 1))
        share = torch.softmax((likeness + SHORTER * octaves) * SHARP, 2)
        return (share * likeness).sum(2), share @ octaves

    def _spectrum(self, wave: torch.Tensor, heard: int, hop: int, size: int) -> torch.Tensor:
        """Power (B, size / 2 + 1, T) of (B, 1, N): Hann windows of ``heard``, every ``hop``."""
        times, bins = self.counted[:heard], self.counted[: size // 2 + 1, None]
        turn = (bins * times).remainder(size).float() * (2.0 * math.pi / size)
        window = 1.0 - torch.cos((times.float() + 0.5) * (2.0 * math.pi / heard))
        window = window / heard  # a tone of amplitude 1 has the power 1/4
        real = functional.conv1d(wave, (torch.cos(turn) * window)[:, None], stride=hop)
        imaginary = functional.conv1d(wave, (torch.sin(turn) * window)[:, None], stride=hop)
        return real.square() + imaginary.square()


def _lags() -> tuple[np.ndarray, np.ndarray]:
    """Lags (PITCHES,) in samples at 4 kHz, and the window's own autocorrelation there."""
    octaves = np.linspace(0.0, _span(), PITCHES)
    lags = RATE / SLOWER / (DEEPEST * 2.0**octaves)
    times = np.arange(PITCH_HEARD) + 0.5
    window = 0.5 - 0.5 * np.cos(2 * np.pi * times / PITCH_HEARD)
    own = np.correlate(window, window, "full")[PITCH_HEARD - 1 :]
    own = np.interp(lags, np.arange(PITCH_HEARD), own / own[0])
    return lags, own + 0.05


def _span() -> float:
    return math.log2(SHRILLEST / DEEPEST)


def _presence(active: torch.Tensor, voiced: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """How much of a voice there is (B,): for 0.16 s at least something has to have a pitch, as
    voices have and noises do not, and to change all along, as hums and tones do not."""
    length = (voiced.sum(1) / 16.0).clamp(max=1.0)
    pitched = torch.sigmoid((_share(voiced, active) - 0.2) * 40.0)
    changing = torch.sigmoid((moved.mean(1) - 0.7) * 25.0)
    return length * pitched * changing


def _colours(
    colour: torch.Tensor, active: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean, spread and movement of each band (B, T, BANDS) where there is voice."""
    weight = active[:, :, None]
    mean = _mean(colour, weight)
    spread = _root(_mean((colour - mean[:, None, :]).square(), weight))
    both = weight[:, 3:] * weight[:, :-3]
    moved = _mean((colour[:, 3:] - colour[:, :-3]).abs(), both)
    return mean, spread, moved


def _moves(track: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean, spread and steps over several lags of a track (B, T)."""
    mean = _mean(track, weight)
    found = [mean, _root(_mean((track - mean[:, None]).square(), weight))]
    for lag in LAGS:
        both = weight[:, lag:] * weight[:, :-lag]
        found.append(_mean((track[:, lag:] - track[:, :-lag]).abs(), both))
    return torch.stack(found, 1)


def _melody(pitch: torch.Tensor, voiced: torch.Tensor) -> torch.Tensor:
    """The high and the low end of the pitch, and whether it falls or rises."""
    high = torch.log(_mean(torch.exp(STRESS * pitch), voiced) + 1.0) / STRESS
    low = torch.log(_mean(torch.exp(-STRESS * pitch), voiced) + 0.01) / -STRESS
    both = voiced[:, 5:] * voiced[:, :-5]
    slope = _mean(pitch[:, 5:] - pitch[:, :-5], both)
    return torch.stack([high, low, slope], 1)


def _edges(weight: torch.Tensor) -> torch.Tensor:
    """How often the weight comes and goes, against how long it is there (B,)."""
    changes = (weight[:, 1:] - weight[:, :-1]).abs().sum(1)
    return changes / (weight.sum(1) + 1.0)


def _share(part: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    return part.sum(1) / (whole.sum(1) + TINY)


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (values * weight).sum(1) / (weight.sum(1) + TINY)


def _root(values: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(values + TINY)


def _mel_filters() -> np.ndarray:
    """(HEARD / 2 + 1, BANDS): triangles in even steps of mel."""
    bins = np.arange(HEARD // 2 + 1) * RATE / HEARD
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (LOWEST, HIGHEST))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    rise = (bins[:, None] - edges[:-2]) / np.maximum(edges[1:-1] - edges[:-2], RATE / HEARD)
    fall = (edges[2:] - bins[:, None]) / np.maximum(edges[2:] - edges[1:-1], RATE / HEARD)
    return np.maximum(0.0, np.minimum(rise, fall))


def _low_pass() -> np.ndarray:
    """(FILTER + 1,) taps that keep what is below 1.6 kHz, and rumble less than voices."""
    times = np.arange(FILTER) - FILTER // 2
    taps = np.sinc(2 * 1600.0 / RATE * times) * np.hamming(FILTER)
    return np.convolve(taps / taps.sum(), [1.0, -0.97])


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)

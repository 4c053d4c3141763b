# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that listens: log-mel bands and dilated convolutions, nothing padded.

Every convolution is "valid", so one window of 8,320 samples computes exactly the cone
that feeds its centre frame, and a longer stretch gives one frame every 20 ms.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .coarticulation import CLOSE, DENTAL, LEARNT_CURVES
from .phones import VISEMES

RATE, WINDOW, CENTRE = 16000, 8320, 4160
FFT, HEARD, HOP, BANDS = 512, 400, 160, 80
LOWEST_HZ, HIGHEST_HZ = 50.0, 7600.0
FLOOR = 1e-6
STRIDE = 2  # log-mel frames per output frame
FRAME_S = STRIDE * HOP / RATE
MEL_CONTEXT = 24  # log-mel frames on either side of the centre that one output frame hears
# What a frame says is a mean of itself and its neighbours (binomial, in logits): of the slow
# articulators over five, as muscles have it; of sounds and contacts over three, so that no single
# frame makes one.
SLOW = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
SUDDEN = (0.0, 1 / 4, 2 / 4, 1 / 4, 0.0)
NEIGHBOURS = len(SLOW) // 2  # frames on either side
CONTACTS = (CLOSE, DENTAL)
MARGIN = MEL_CONTEXT * HOP + FFT // 2  # samples on either side of the centre


def mel_filters() -> np.ndarray:
    """Triangular filters on the mel scale: float32 (BANDS, FFT // 2 + 1)."""
    hertz = np.linspace(0, RATE / 2, FFT // 2 + 1)
    low, high = (2595 * np.log10(1 + f / 700) for f in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def slowness() -> np.ndarray:
    """What a frame takes from itself and its neighbours: float32 (classes and curves, 5)."""
    taken = np.tile(np.array(SLOW, np.float32), (len(VISEMES) + len(LEARNT_CURVES), 1))
    taken[[*range(len(VISEMES)), *(len(VISEMES) + curve for curve in CONTACTS)]] = SUDDEN
    return taken


class LogMel(nn.Module):
    """Log-mel bands by convolution, so that they are part of the exported graph."""

    def __init__(self) -> None:
        super().__init__()
        phase = 2 * np.pi / FFT * np.arange(FFT // 2 + 1)[:, None] * np.arange(FFT)[None]
        window = np.zeros(FFT)
        window[(FFT - HEARD) // 2 : (FFT + HEARD) // 2] = np.hanning(HEARD + 1)[:HEARD]
        waves = np.concatenate([np.cos(phase) * window, np.sin(phase) * window])
        self.register_buffer("waves", torch.tensor(waves, dtype=torch.float32)[:, None])
        self.register_buffer("filters", torch.tensor(mel_filters())[:, :, None])

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """(B, 1, N) samples -> (B, BANDS, 1 + (N - FFT) // HOP), about -3.5 .. 3.5."""
        # Powers of soft sounds need all digits
        with torch.autocast(samples.device.type, enabled=False):
            real, imaginary = functional.conv1d(samples, self.waves, stride=HOP).chunk(2, dim=1)
            power = real * real + imaginary * imaginary
            bands = functional.conv1d(power, self.filters)
            return (torch.log(bands + FLOOR) + 6.0) / 4.0


class Block(nn.Module):
    """Residual block: dilated convolution, normalisation, gate, mixing."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.drop = nn.Dropout(dropout)
        self.hear = nn.Conv1d(channels, channels, 3, dilation=dilation)
        self.norm = nn.BatchNorm1d(channels)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, T) -> (B, C, T - 2 * dilation)."""
        kept = x[:, :, self.dilation : -self.dilation]
        return kept + self.mix(self.drop(functional.gelu(self.norm(self.hear(x)))))


class Listener(nn.Module):
    """Samples -> viseme logits and articulation-curve logits.

    While it learns, each block forgets a share of ``dropout`` of what it heard.
    """

    def __init__(self, channels: int, dilations: list[int], dropout: float = 0.0) -> None:
        super().__init__()
        heard = 2 + STRIDE * (sum(dilations) + NEIGHBOURS)  # log-mel frames on either side
        if heard > MEL_CONTEXT:
            raise ValueError("The dilations hear further than the window of 8,320 samples")
        self.channels, self.dilations = channels, list(dilations)
        self.mel = LogMel()
        self.first = nn.Conv1d(BANDS, channels, 5, stride=STRIDE)
        self.norm = nn.BatchNorm1d(channels)
        self.blocks = nn.Sequential(*(Block(channels, step, dropout) for step in dilations))
        self.last = nn.Conv1d(channels, len(VISEMES) + len(LEARNT_CURVES), 1)
        self.register_buffer("slowness", torch.tensor(slowness())[:, None])
        self.margin = heard * HOP + FFT // 2  # samples before the first frame's centre

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, N) -> logits (B, 15, T) and (B, 8, T); frame t is at margin + 320 t."""
        features = functional.gelu(self.norm(self.first(self.mel(samples))))
        logits = self.last(self.blocks(features))
        logits = functional.conv1d(logits, self.slowness, groups=len(self.slowness))
        return logits[:, : len(VISEMES)], logits[:, len(VISEMES) :]

    def window(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, 8320) -> posteriors (B, 15) and curves (B, 8) of the centre frame."""
        cone = samples[:, :, CENTRE - self.margin : CENTRE + self.margin]
        visemes, curves = self(cone)
        return visemes.softmax(1)[:, :, 0], curves.sigmoid()[:, :, 0]


def parameter_count(network: nn.Module) -> int:
    """How many numbers were learnt."""
    return sum(parameter.numel() for parameter in network.parameters())

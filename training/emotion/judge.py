# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole emotion network: from samples to the strengths of six emotions, as logits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from .ear import FEATURES, Ear
from .fitting import FARTHEST, LABELS, REST

LEARNT = ("centre", "spread", "weights", "bias")


class Judge(nn.Module):
    """Samples (B, L) at 16 kHz -> logits (B, 6) in the order of ``LABELS``.

    The features are brought to the training's average and spread and kept within bounds, so that
    a sound unlike any voice cannot run away. Where there is no voice the answer is neutral.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ear = Ear()
        count = len(LABELS)
        shapes = {"weights": (FEATURES, count), "bias": (count,)}
        for name in LEARNT:
            self.register_buffer(name, torch.zeros(shapes.get(name, (FEATURES,))))
        rest = [[REST if label == "neutral" else 0.0 for label in LABELS]]
        self.register_buffer("rest", torch.tensor(rest))

    def learn(self, arrays: Mapping[str, np.ndarray]) -> Judge:
        """Take over what was fitted, by the names of ``LEARNT``."""
        for name in LEARNT:
            self.get_buffer(name).copy_(torch.tensor(arrays[name], dtype=torch.float32))
        return self.eval()

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """(B, L) -> (B, 6)."""
        features, presence = self.ear(samples)
        scaled = ((features - self.centre) / self.spread).clamp(-FARTHEST, FARTHEST)
        presence = presence[:, None]
        return presence * (scaled @ self.weights + self.bias) + (1.0 - presence) * self.rest

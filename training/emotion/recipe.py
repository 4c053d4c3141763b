# SPDX-License-Identifier: GPL-3.0-or-later
"""Every number of the emotion network's training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How the emotion network is trained.

    ``seed``        of every random number
    ``versions``    changed copies of each recording, besides the recording itself
    ``pace``        octaves, up or down, by which a copy is played faster or slower
    ``colour_db``   standard deviation of the copies' equaliser, dB
    ``noisy``       share of copies with noise, 8 to 35 dB below the voice
    ``short``       share of copies cut to the length that the panel hears
    ``noises``      recordings of noise alone, which are neutral
    ``noise_share`` what they count together, against an emotion's 1
    ``decay``       how strongly large weights are held back
    ``neutral``     share of neutral that the outputs are calibrated for
    """

    seed: int = 20261126
    versions: int = 6
    pace: float = 0.12
    colour_db: float = 1.5
    noisy: float = 0.5
    short: float = 0.4
    noises: int = 60
    noise_share: float = 0.2
    decay: float = 0.1
    neutral: float = 0.4

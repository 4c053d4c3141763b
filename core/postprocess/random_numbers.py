# SPDX-License-Identifier: GPL-3.0-or-later
"""Random numbers that stay the same for ever: with every version of every library."""

from __future__ import annotations

from collections.abc import Iterator

_MASK = (1 << 64) - 1


def uniforms(seed: int) -> Iterator[float]:
    """Endless numbers in (0, 1): splitmix64."""
    state = (seed * 0x9E3779B97F4A7C15 + 0x5851F42D4C957F2D) & _MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        yield ((mixed ^ (mixed >> 31)) + 0.5) / 2.0**64

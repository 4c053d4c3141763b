# SPDX-License-Identifier: GPL-3.0-or-later
"""Voices: from a file or its bytes to mono samples at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass

from . import limits
from .arrays import Floats


@dataclass(frozen=True)
class Voice:
    """Where sound comes from: a file's ``path``, or its bytes ``data`` (a packed sound).

    ``name``     what messages call it; empty takes the file's name
    ``start_s``, ``end_s``  the part to use, seconds from the file's start; None is to the end
    ``channel``  0-based channel to use; None mixes all channels equally
    """

    path: str | None = None
    data: bytes | None = None
    name: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    channel: int | None = None


@dataclass(frozen=True)
class VoiceInfo:
    """What is known of a voice without animating it.

    ``rate`` samples per second and ``channels`` of the source; ``duration_s`` of the chosen part;
    ``sha256`` of the source's bytes; ``envelope`` (n, 2) float32 lowest and highest value of each
    of n equal parts of the mono mix.
    """

    rate: int
    channels: int
    duration_s: float
    sha256: str
    envelope: Floats


@dataclass(frozen=True)
class Clip:
    """A voice ready for a network: ``samples`` (N,) float32 mono, 16 kHz.

    ``sha256`` is that of the source's bytes; ``notices`` are sentences for the user.
    """

    samples: Floats
    name: str
    sha256: str
    notices: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.samples) / limits.SAMPLE_RATE


def read_voice(voice: Voice) -> Clip:
    """Decode the chosen part of a voice. Raises UserError naming the file and the reason."""
    raise NotImplementedError


def probe_voice(voice: Voice, columns: int = 1024) -> VoiceInfo:
    """Look at the chosen part of a voice. Raises UserError naming the file and the reason."""
    raise NotImplementedError

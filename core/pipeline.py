# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path from a voice to the animation of a face."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .audio import Voice
from .face_track import FaceTrack
from .network import Motion
from .parameters import Settings

Progress = Callable[[float, str], None]
Check = Callable[[], bool]


@dataclass(frozen=True)
class Take:
    """A face's animation with everything needed to make it again.

    ``timings`` seconds per stage; everything else follows from voice, model and settings alone.
    """

    face: FaceTrack
    motion: Motion
    voice_name: str
    voice_sha256: str
    model_name: str
    model_sha256: str
    settings: Settings
    timings: Mapping[str, float]


def animate(
    voice: Voice,
    model_folder: str | Path,
    fps: Fraction,
    settings: Mapping[str, object],
    progress: Progress | None = None,
    cancelled: Check | None = None,
    threads: int = 0,
) -> Take:
    """Animate a face from a voice. Raises UserError and Cancelled."""
    raise NotImplementedError

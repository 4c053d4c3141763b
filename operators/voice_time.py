# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a player's voice lies among the scene's frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..scene.rates import scene_rate
from ..scene.voice_keys import voice_begin
from .chosen import source_of
from .voices import known, whole


@dataclass(frozen=True)
class VoiceTime:
    """``begin`` is the frame of the voice's second 0, ``rate`` frames per second.

    ``start_s`` and ``end_s`` are the range that is used; ``duration_s`` is the whole voice's
    length. The last two are None while the voice's length is not known and nobody chose an end.
    """

    begin: float
    rate: float
    start_s: float
    end_s: float | None
    duration_s: float | None

    def frame_of(self, seconds: Any) -> Any:
        """The frame at a time of the voice."""
        return self.begin + seconds * self.rate

    def seconds_of(self, frame: Any) -> Any:
        """The time of the voice at a frame; below 0 before it begins."""
        return (frame - self.begin) / self.rate

    @property
    def first_frame(self) -> int:
        """The frame at which the range begins."""
        return round(self.frame_of(self.start_s))

    @property
    def last_frame(self) -> int | None:
        """The frame at which the range ends, at least one after its begin; None: not known."""
        if self.end_s is None:
            return None
        return max(self.first_frame + 1, round(self.frame_of(self.end_s)))


def voice_time(scene: bpy.types.Scene, player: Any) -> VoiceTime:
    """Where a player's voice lies now. Raises UserError when the voice is missing."""
    begin = voice_begin(whole(source_of(player)), scene, float(player.start_frame))
    facts = known(scene, player).facts
    duration_s = facts.duration_s if facts else None
    start_s, end_s = player.range_s
    if duration_s is not None:
        start_s = min(start_s, duration_s)
        end_s = duration_s if end_s is None else min(end_s, duration_s)
    if end_s is not None:
        end_s = max(start_s, end_s)
    return VoiceTime(begin, float(scene_rate(scene)), start_s, end_s, duration_s)


def playhead(scene: bpy.types.Scene) -> float:
    """The scene's frame now, with the part of a frame that it is beyond."""
    return float(scene.frame_current) + float(scene.frame_subframe)

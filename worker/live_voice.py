# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound in, frames out: what sessions and the microphone have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.arrays import AnyArray, Floats
from .calls import Call
from .kept import Kept
from .messages import Arrays, Fields
from .requests import Order, opening

if TYPE_CHECKING:
    from ..core.face.track import FaceTrack
    from ..core.streaming import LiveFace
    from ..core.voice.resampling import Resampler


@dataclass
class LiveVoice:
    """A face that is fed with sound of any rate. ``frames`` counts those given out.

    ``told`` are notices of its opening, ``device`` is what the network really runs on.
    """

    face: LiveFace
    resampler: Resampler
    channels: int
    device: str
    frames: int = 0
    not_numbers: int = 0
    clipped: int = 0
    told: tuple[str, ...] = ()

    def take(self, samples: AnyArray | None, end: bool) -> list[FaceTrack]:
        """Put sound in, interleaved; return the frames that became ready."""
        found: list[FaceTrack | None] = []
        if samples is not None and len(samples):
            found.append(self._push(self.resampler.push(self._mono(samples))))
        if end:
            found.append(self._push(self.resampler.finish()))
            found.append(self.face.finish())
        tracks = [track for track in found if track is not None and track.frame_count]
        self.frames += sum(track.frame_count for track in tracks)
        return tracks

    def _push(self, mono: Floats) -> FaceTrack | None:
        return self.face.push(mono) if len(mono) else None

    def _mono(self, samples: AnyArray) -> Floats:
        """The mean of all channels (n,) in [-1, 1], cleaned as voices from files are."""
        from ..core.voice.audio import mixed

        values = samples.reshape(-1, self.channels)
        if values.dtype == np.int16:
            values = values.astype(np.float32) / np.float32(32768)
        mono, not_numbers, clipped = mixed(values)
        self.not_numbers += not_numbers
        self.clipped += clipped
        return mono

    @property
    def notices(self) -> list[str]:
        """What came up since it was opened."""
        found = [notice for notice in self.face.notices if notice not in self.told]
        if self.not_numbers:
            found.append(f"{self.not_numbers} samples were not numbers and were silenced.")
        if self.clipped:
            found.append(f"{self.clipped} samples were beyond full scale and were clipped.")
        return found


def open_voice(
    kept: Kept, call: Call, order: Order, rate: int, channels: int, block_s: float
) -> LiveVoice:
    """Open what an order asks for. ``block_s`` of sound are resampled at once, which is a delay.

    Raises UserError.
    """
    from ..core.streaming import LiveFace
    from ..core.voice.resampling import Resampler

    opening(call, order.wanted.device)
    loaded = kept.loaded(order.wanted)
    ahead = loaded.model.ahead if order.wanted.low_delay else None
    face = LiveFace(loaded, order.fps, order.settings, order.rigs, order.emotion, ahead)
    resampler = Resampler(rate, max(1, round(rate * block_s)))
    return LiveVoice(face, resampler, channels, loaded.network.device, told=face.notices)


def opened(voice: LiveVoice) -> Fields:
    """What an opening tells: {names, jaw_rest, fps, device, notices, model}."""
    face, model = voice.face, voice.face.model
    return {
        "names": list(face.names),
        "jaw_rest": list(face.jaw_rest) if face.jaw_rest else None,
        "fps": [face.fps.numerator, face.fps.denominator],
        "device": voice.device,
        "notices": list(face.notices),
        "model": {"name": model.name, "sha256": model.sha256, "identity": model.identity},
    }


def frame_arrays(tracks: list[FaceTrack], voice: LiveVoice | None) -> Arrays:
    """Frames of several tracks behind one another; empty arrays of the right shapes for none.

    "weights" (F, P), "jaw" (F, 4, 4), "eyes" (F, 2, 2), with head motion "head" (F, 3).
    """
    poses = len(voice.face.names) if voice is not None else 0
    arrays: Arrays = {
        "weights": _together([track.weights for track in tracks], (poses,)),
        "jaw": _together([track.jaw for track in tracks], (4, 4)),
        "eyes": _together([track.eyes for track in tracks], (2, 2)),
    }
    if voice is not None and voice.face.turns_head:
        heads = [track.head for track in tracks if track.head is not None]
        arrays["head"] = _together(heads, (3,))
    return arrays


def _together(blocks: list[Floats], shape: tuple[int, ...]) -> Floats:
    return np.concatenate(blocks) if blocks else np.zeros((0, *shape), np.float32)

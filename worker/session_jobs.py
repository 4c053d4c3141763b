# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of live sessions: sound comes in pieces, frames go out as soon as they are made.

Several feeds make one session. Its end flushes what is on its way. After a cancel nothing new is
made, and feeds have no effect until the session is ended.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..core import limits
from ..core.arrays import AnyArray, Floats
from ..core.errors import UserError
from . import arguments
from .calls import Call, Reply
from .kept import Kept
from .messages import Arrays, Fields
from .requests import ENGINE_PATIENCE_S, ORDER, opening, order_of

if TYPE_CHECKING:
    from ..core.face.track import FaceTrack
    from ..core.streaming import LiveFace
    from ..core.voice.resampling import Resampler

SESSIONS = 16  # open at a time
REMEMBERED = 256  # cancelled sessions whose feeds are still let pass
BLOCK_S = 0.02  # of sound, resampled at once: what a session lags behind for it


@dataclass
class _Live:
    """One open session. ``frames`` counts those given out, ``told`` are notices of its opening."""

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
        return [track for track in found if track is not None and track.frame_count]

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


class Sessions:
    """The live sessions of a worker."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._live: OrderedDict[str, _Live] = OrderedDict()
        self._cancelled: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._live)

    def open(self, call: Call) -> Reply:
        """Begin a session. ``rate`` samples per second of each of the interleaved ``channels``.

        With ``low_delay`` the model's network for live use listens, and a detected emotion waits
        no longer than the face does.

        {session, rate, channels, low_delay, model, fps, settings, rigs, emotion, device, threads}
        -> {names, jaw_rest, fps, device, notices, model}.
        """
        from ..core.streaming import LiveFace
        from ..core.voice.resampling import Resampler

        where = "session_open"
        arguments.only(call.args, ("session", "rate", "channels", "low_delay", *ORDER), where)
        name = _name(call, where)
        if name in self._live or name in self._cancelled:
            raise UserError(f"The live session {name!r} is open already.")
        if len(self._live) >= SESSIONS:
            raise UserError(f"{SESSIONS} live sessions are open already.", "End one of them first.")
        rate = _within(call, "rate", limits.MIN_RATE, limits.MAX_RATE)
        channels = _within(call, "channels", 1, limits.MAX_CHANNELS)
        low_delay = arguments.flag(call.args, "low_delay", where)
        order = order_of(call, where)
        opening(call, order.wanted.device)
        loaded = self._kept.loaded(replace(order.wanted, low_delay=low_delay))
        info = loaded.model.info
        ahead = info.window_length - info.target_offset if low_delay else None
        face = LiveFace(loaded, order.fps, order.settings, order.rigs, order.emotion, ahead)
        resampler = Resampler(rate, max(1, round(rate * BLOCK_S)))
        self._live[name] = _Live(
            face, resampler, channels, loaded.network.device, told=face.notices
        )
        model = loaded.model
        return {
            "names": list(face.names),
            "jaw_rest": list(face.jaw_rest) if face.jaw_rest else None,
            "fps": [order.fps.numerator, order.fps.denominator],
            "device": loaded.network.device,
            "notices": list(face.notices),
            "model": {"name": model.name, "sha256": model.sha256, "identity": model.identity},
        }, {}

    def feed(self, call: Call) -> Reply:
        """Put sound in; ``end`` ends the session and gives its last frames.

        {session, end}, array "samples" (n * channels,) or (n, channels), float32 or int16 ->
        {first_frame, done, notices, network_ms_per_frame}, arrays "weights" (F, P),
        "jaw" (F, 4, 4), "eyes" (F, 2, 2), with head motion "head" (F, 3).
        """
        where = "session_feed"
        arguments.only(call.args, ("session", "end"), where)
        name = _name(call, where)
        end = arguments.flag(call.args, "end", where)
        if name in self._cancelled:
            if end:
                del self._cancelled[name]
            nothing: Fields = {"first_frame": 0, "done": end, "notices": []}
            return {**nothing, "network_ms_per_frame": 0.0}, _joined([], 0)
        live = self._live.get(name)
        if live is None:
            raise UserError(f"There is no live session {name!r}.", "Start a new one.")
        samples = _samples(call, live.channels)
        live.face.meter.cancelled = call.cancelled
        if live.device == "tensorrt":  # which may build an engine at its first run
            call.progress(0.0, "Listening to the voice", ENGINE_PATIENCE_S)
        del self._live[name]  # a face that failed is of no more use
        tracks = live.take(samples, end)
        if not end:
            self._live[name] = live
        first = live.frames
        live.frames += sum(track.frame_count for track in tracks)
        result: Fields = {
            "first_frame": first,
            "done": end,
            "notices": live.notices if end else [],
            "network_ms_per_frame": live.face.meter.ms_per_frame,
        }
        return result, _joined(tracks, len(live.face.names))

    def cancel(self, call: Call) -> Reply:
        """Make no more of a session; harmless when it is over. {session} -> {}."""
        arguments.only(call.args, ("session",), "session_cancel")
        name = _name(call, "session_cancel")
        if self._live.pop(name, None) is not None:
            self._cancelled[name] = None
            while len(self._cancelled) > REMEMBERED:
                self._cancelled.popitem(last=False)
        return {}, {}


def _name(call: Call, where: str) -> str:
    name = arguments.text(call.args, "session", where)
    if not name:
        raise UserError(f"{where} does not name its session.")
    return name


def _within(call: Call, name: str, lowest: int, highest: int) -> int:
    value = arguments.whole(call.args, name, "session_open")
    if value is None or not lowest <= value <= highest:
        raise UserError(f"{name!r} of session_open must be between {lowest} and {highest}.")
    return value


def _samples(call: Call, channels: int) -> AnyArray | None:
    """The array "samples" as values (n * channels,); None when there is none."""
    values = call.arrays.get("samples")
    if values is None:
        return None
    if values.dtype not in (np.float32, np.int16) or values.ndim not in (1, 2):
        raise UserError("The samples of a live session must be float32 or int16.")
    if (values.ndim == 2 and values.shape[1] != channels) or values.size % channels:
        raise UserError(f"The samples do not fit the {channels} channels of the live session.")
    return values.reshape(-1)


def _joined(tracks: list[FaceTrack], poses: int) -> Arrays:
    """Frames of several tracks behind one another; empty arrays of the right shapes for none."""
    arrays: Arrays = {
        "weights": _together([track.weights for track in tracks], (poses,)),
        "jaw": _together([track.jaw for track in tracks], (4, 4)),
        "eyes": _together([track.eyes for track in tracks], (2, 2)),
    }
    heads = [track.head for track in tracks if track.head is not None]
    if heads:
        arrays["head"] = np.concatenate(heads)
    return arrays


def _together(blocks: list[Floats], shape: tuple[int, ...]) -> Floats:
    return np.concatenate(blocks) if blocks else np.zeros((0, *shape), np.float32)

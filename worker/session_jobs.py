# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of live sessions: sound comes in pieces, frames go out as soon as they are made.

Several feeds make one session. Its end flushes what is on its way. After a cancel nothing new is
made, and feeds have no effect until the session is ended.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from ..core import limits
from ..core.arrays import AnyArray
from ..core.errors import UserError
from . import arguments
from .calls import Call, Reply
from .kept import Kept
from .live_voice import LiveVoice, frame_arrays, open_voice, opened
from .messages import Fields
from .requests import ENGINE_PATIENCE_S, ORDER, order_of

SESSIONS = 16  # open at a time
REMEMBERED = 256  # cancelled sessions whose feeds are still let pass
BLOCK_S = 0.02  # of sound, resampled at once: what a session lags behind for it


class Sessions:
    """The live sessions of a worker."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._live: OrderedDict[str, LiveVoice] = OrderedDict()
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
        where = "session_open"
        arguments.only(call.args, ("session", "rate", "channels", *ORDER), where)
        name = _name(call, where)
        if name in self._live or name in self._cancelled:
            raise UserError(f"The live session {name!r} is open already.")
        if len(self._live) >= SESSIONS:
            raise UserError(f"{SESSIONS} live sessions are open already.", "End one of them first.")
        rate = _within(call, "rate", limits.MIN_RATE, limits.MAX_RATE)
        channels = _within(call, "channels", 1, limits.MAX_CHANNELS)
        voice = open_voice(self._kept, call, order_of(call, where), rate, channels, BLOCK_S)
        self._live[name] = voice
        return opened(voice), {}

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
            return {**nothing, "network_ms_per_frame": 0.0}, frame_arrays([], None)
        live = self._live.get(name)
        if live is None:
            raise UserError(f"There is no live session {name!r}.", "Start a new one.")
        samples = _samples(call, live.channels)
        live.face.meter.cancelled = call.cancelled
        if live.device == "tensorrt":  # which may build an engine at its first run
            call.progress(0.0, "Listening to the voice", ENGINE_PATIENCE_S)
        del self._live[name]  # a face that failed is of no more use
        first = live.frames
        tracks = live.take(samples, end)
        if not end:
            self._live[name] = live
        result: Fields = {
            "first_frame": first,
            "done": end,
            "notices": live.notices if end else [],
            "network_ms_per_frame": live.face.meter.ms_per_frame,
        }
        return result, frame_arrays(tracks, live)

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

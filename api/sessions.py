# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sessions: samples in, as they come; frames out, as they are made.

A ``Session`` is made on Blender's main thread. ``send``, ``end``, ``cancel`` and ``frames`` may
then be called from any thread. Blender's main thread has to go on: in a window it does by itself,
in background it calls ``Session.wait`` or ``api.pump``.
"""

from __future__ import annotations

import queue
import time
import weakref
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import bpy
import numpy as np

from ..operators import pump
from ..operators.animation_job import check_terms, emotion_fields
from ..scene.rates import parse_rate, scene_rate
from .baking import Baker
from .burst import Burst, Clock
from .emotion import EmotionParameters
from .orders import Chosen, choose
from .samples import Array, as_floats, check_format, interleaved
from .session_line import SessionLine, SessionResult
from .session_run import END, PIECE_S, FrameBlock, Order, Run

REAL_CLOCK = Clock()
WAIT_S = 0.005


class Session:
    """Sound that comes in pieces. Several sends make one session; what follows its end is another.

    Keep the object until the session is ended: one that is forgotten before is cancelled.
    """

    def __init__(
        self,
        rate: int,
        channels: int = 1,
        *,
        face: bpy.types.Object | None = None,
        emotion: EmotionParameters | None = None,
        face_parameters: Mapping[str, float] | None = None,
        provider: str = "",
        emotion_model: str | None = None,
        settings: Mapping[str, Any] | None = None,
        device: str | None = None,
        fps: str | float | Fraction | None = None,
        start_frame: float | None = None,
        head_target: bpy.types.Object | None = None,
        head_bone: str = "",
        burst: Burst | None = None,
        low_delay: bool = False,
        accept_licence: bool = False,
        scene: bpy.types.Scene | None = None,
        clock: Clock = REAL_CLOCK,
    ) -> None:
        """Make a session object; the first ``send`` opens a session. On Blender's main thread.

        ``rate`` samples per second and channel, ``channels`` of them are mixed. With a ``face``, a
        session that has ended is written as keyframes from ``start_frame`` (None: the present one).
        ``burst`` None takes the scene's setting. ``low_delay`` lets a model listen with its network
        for live use, which waits for 0.1 s of sound instead of 0.26 s and gives slightly other
        frames than a take; a model without one is refused. The other arguments are those of
        ``api.animate``.
        Raises UserError, naming the argument, for what can be seen at once.
        """
        pump.require_main_thread("api.Session")
        check_format(rate, channels)
        where = scene or bpy.context.scene
        chosen = choose(where, provider, emotion, face_parameters, emotion_model, settings, device)
        check_terms(chosen.model, chosen.emotion, accept_licence)
        self._order = make_order(rate, channels, _fps(fps, where), chosen, low_delay)
        self._burst = burst or Burst(where.facewright.burst)
        self._clock = clock
        self._turn: queue.SimpleQueue[None] = queue.SimpleQueue()  # one sender at a time
        self._turn.put(None)
        self._count = 0
        baker = None
        if face is not None:
            baker = Baker(face, where, start_frame, head_target, head_bone)
        here = weakref.ref(self)
        self._line = SessionLine(rate, baker, chosen.given, lambda: here() is not None)
        pump.add(self._line)

    # ---- from any thread

    def send(self, samples: Any, *, end: bool = False) -> bool:
        """Hand in samples, interleaved or one column per channel, float32 or int16.

        Waits until they are accepted; True when they are. False when the session was cancelled or
        has failed (``error`` says why); then sends have no effect until the session is ended, and
        the one after begins a new session. ``end`` ends the session after these samples.
        Raises UserError for samples of another type or shape.
        """
        values = as_floats(interleaved(samples, self._order.channels))
        self._take_turn()
        try:
            return self._send(values, end)
        finally:
            self._turn.put(None)

    def end(self) -> bool:
        """End the session: what is on its way is finished. True also when none was open."""
        return self.send(np.zeros(0, np.float32), end=True)

    def cancel(self) -> None:
        """Make nothing more, of sessions that were ended neither; what is there can still be read.

        Later sends have no effect until the session is ended.
        """
        self._line.stop()
        pump.pump()

    def frames(self) -> list[FrameBlock]:
        """The frames that were made since the last call."""
        blocks: list[FrameBlock] = []
        while True:
            try:
                blocks.append(self._line.arrived.get_nowait())
            except queue.Empty:
                return blocks

    @property
    def results(self) -> list[SessionResult]:
        """How each session ended, oldest first."""
        return self._line.results

    @property
    def error(self) -> str:
        """Why the present session has failed, or the last one if none is open."""
        run = self._line.open
        if run is not None:
            return run.outcome.error
        return self.results[-1].error if self.results else ""

    @property
    def fed_s(self) -> float:
        """Seconds of the latest session that were handed to the network so far."""
        latest = self._line.latest
        return latest.outcome.samples / self._order.rate if latest else 0.0

    @property
    def busy(self) -> bool:
        """Whether a session is open, or its frames are still being made or written."""
        return bool(self._line.runs)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until all that was ended is made and written; True when the last session is ok.

        A session that was not ended is not waited for.
        """
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while self._line.unfinished:
            if end is not None and time.monotonic() >= end:
                return False
            self._pause()
        return bool(self.results) and self.results[-1].ok

    def close(self) -> None:
        """Cancel all that is not over; the object can no longer be used. On the main thread."""
        self._line.cancel()

    def _take_turn(self) -> None:
        while True:
            try:
                return self._turn.get_nowait()
            except queue.Empty:
                self._pause()

    def _send(self, values: Array, end: bool) -> bool:
        line = self._line
        run = line.open
        if run is None:
            if end and not len(values):
                return True
            if line.closed:
                return False
            self._count += 1
            run = Run(self._count, self._order, self._burst, self._clock, line.keeps_frames)
            line.begin(run)
        accepted = self._hand_in(run, values, end)
        if end:
            line.open = None
        return accepted

    def _hand_in(self, run: Run, values: Array, end: bool) -> bool:
        while run.state == "opening" and not run.stop:
            self._pause()
        size = max(1, int(self._order.rate * PIECE_S)) * self._order.channels
        pieces: list[Array | None] = [values[at : at + size] for at in range(0, len(values), size)]
        if end:
            pieces.append(END)
        return all(self._put(run, piece) for piece in pieces)

    def _put(self, run: Run, piece: Array | None) -> bool:
        while not run.stop and not run.finished:
            try:
                run.pieces.put_nowait(piece)
            except queue.Full:
                self._pause()
            else:
                return True
        return False

    def _pause(self) -> None:
        """Let time pass; on Blender's main thread go on with the work meanwhile."""
        pump.pump_for("A live session")
        self._clock.sleep(WAIT_S)


def make_order(
    rate: int, channels: int, fps: Fraction, chosen: Chosen, low_delay: bool = False
) -> Order:
    """What a session is opened with."""
    emotion, arrays = emotion_fields(chosen.emotion)
    settings = dict(chosen.settings)
    if chosen.identity:
        settings["identity"] = chosen.identity
    args = {
        "model": chosen.model,
        "fps": [fps.numerator, fps.denominator],
        "settings": settings,
        "emotion": emotion,
        "rate": int(rate),
        "channels": int(channels),
        "low_delay": bool(low_delay),
        "device": chosen.device,
    }
    return Order(int(rate), int(channels), fps, args, arrays, chosen.device, chosen.threads)


def _fps(fps: str | float | Fraction | None, scene: bpy.types.Scene) -> Fraction:
    return scene_rate(scene) if fps is None else parse_rate(fps)

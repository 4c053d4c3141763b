# SPDX-License-Identifier: GPL-3.0-or-later
"""One live session on its way through the worker, from its first sample to its last frame.

Callers' threads put pieces of sound into a bounded queue; everything else happens in ``step``, on
Blender's main thread.
"""

from __future__ import annotations

import itertools
import queue
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..core.face.track import FaceTrack, jaw_rest_of
from ..operators.faults import WorkerFault, report_fault
from ..operators.worker_host import worker
from ..providers.base import Ticket
from ..providers.errands import LOST
from .burst import Burst, Clock, Pace

if TYPE_CHECKING:
    from ..worker.messages import Arrays, Fields

PIECE_S = 0.1  # of sound in one entry of the queue
QUEUE_PIECES = 8
WAITING_S = 10.0  # of sound that may wait here besides
END = None  # in the queue: nothing follows

Array = np.ndarray[Any, Any]
_NUMBERS = itertools.count(1)  # no two sessions of this Blender have the same name at the worker
State = Literal["opening", "open", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Order:
    """What a session is opened with: the arguments of the worker's job, and where it runs."""

    rate: int
    channels: int
    fps: Fraction
    args: Fields
    arrays: Arrays
    device: str = ""
    threads: int = 0


@dataclass(frozen=True)
class FrameBlock:
    """Frames as they come: ``track`` holds those from ``first_frame`` of session ``session``."""

    session: int
    first_frame: int
    track: FaceTrack
    last: bool


@dataclass
class Outcome:
    """How a session goes: ``samples`` per channel that were fed, ``frames`` that were made,
    ``blocks`` of them if they are to be kept, ``result`` of its opening."""

    state: State
    error: str = ""
    samples: int = 0
    frames: int = 0
    blocks: list[FrameBlock] = field(default_factory=list)
    result: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


class Run:
    """A session that is open at the worker, or about to be."""

    def __init__(
        self, number: int, order: Order, burst: Burst, clock: Clock, keep: bool = False
    ) -> None:
        self.number = number
        self.pieces: queue.Queue[Array | None] = queue.Queue(QUEUE_PIECES)
        self.arrived: queue.SimpleQueue[FrameBlock] = queue.SimpleQueue()
        self.outcome = Outcome("opening")
        self.stop = False  # set from any thread: make nothing more
        self._order = order
        self._keep = keep
        self._id = str(next(_NUMBERS))
        self._pace = Pace(order.rate, burst, clock)
        self._waiting: list[Array] = []
        self._waiting_values = 0
        self._ended = False  # the end has been taken from the queue
        self._end_sent = False
        self._ticket: Ticket | None = None
        self._pid: int | None = None  # of the worker that has it open
        self._names: tuple[str, ...] = ()
        self._jaw_rest: tuple[float, float, float] | None = None

    @property
    def state(self) -> State:
        return self.outcome.state

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    def step(self) -> None:
        """Move everything on that can be moved on now. Raises nothing."""
        if self.finished:
            return
        provider = worker(self._order.device, self._order.threads)
        if self.stop:
            self._cancel()
            return
        if self._ticket is None and self.state == "opening":
            args: Fields = {**self._order.args, "session": self._id}
            self._ticket = provider.submit("session_open", args, self._order.arrays)
        provider.poll()
        self._collect()
        if self._ticket is not None:
            if not self._ticket.finished:
                return
            ticket, self._ticket = self._ticket, None
            self._take(ticket)
        if self.state == "open" and not self._end_sent:
            self._feed()

    def _collect(self) -> None:
        """Take pieces from the queue while there is room for them."""
        room = self._order.rate * self._order.channels * WAITING_S
        while not self._ended and self._waiting_values < room:
            try:
                piece = self.pieces.get_nowait()
            except queue.Empty:
                return
            if piece is END:
                self._ended = True
            elif piece is not None:
                self._waiting.append(piece)
                self._waiting_values += len(piece)

    def _feed(self) -> None:
        """Hand in what may go now, and the end when it is reached."""
        channels = self._order.channels
        count = self._pace.take(self._waiting_values // channels)
        end = self._ended and count * channels == self._waiting_values
        if not count and not end:
            return
        samples = self._cut(count * channels)
        provider = worker(self._order.device, self._order.threads)
        if provider.pid != self._pid:
            self._break(WorkerFault(f"{LOST} {provider.problem}".strip(), is_bug=False))
            return
        args: Fields = {"session": self._id, "end": end}
        self._ticket = provider.submit("session_feed", args, {"samples": samples})
        self._end_sent = end
        self.outcome.samples += count

    def _cut(self, count: int) -> Array:
        """The first ``count`` values of what waits; the rest goes on waiting."""
        parts: list[Array] = []
        self._waiting_values -= count
        while count:
            piece = self._waiting.pop(0)
            parts.append(piece[:count])
            if len(piece) > count:
                self._waiting.insert(0, piece[count:])
            count -= len(parts[-1])
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _take(self, ticket: Ticket) -> None:
        """What the worker answered."""
        if ticket.state != "done":
            self._fail(ticket)
            return
        notices = ticket.result.get("notices", ())
        self.outcome.notices += tuple(str(n) for n in notices if n not in self.outcome.notices)
        if self.state == "opening":
            self.outcome.result = ticket.result
            self._names = tuple(ticket.result["names"])
            self._jaw_rest = jaw_rest_of(ticket.result)
            self._pid = worker(self._order.device, self._order.threads).pid
            self.outcome.state = "open"
            return
        last = bool(ticket.result["done"])
        weights = ticket.arrays["weights"]
        if len(weights) or last:
            block = self._block(ticket, last)
            self.outcome.frames += block.track.frame_count
            if self._keep:
                self.outcome.blocks.append(block)
            self.arrived.put(block)
        if last:
            self.outcome.state = "done"

    def _block(self, ticket: Ticket, last: bool) -> FrameBlock:
        arrays, fps = ticket.arrays, self._order.fps
        count = len(arrays["weights"])
        track = FaceTrack(
            self._names, arrays["weights"], arrays["jaw"], arrays["eyes"], fps, float(count / fps),
            head=arrays.get("head"), jaw_rest=self._jaw_rest,
        )  # fmt: skip
        return FrameBlock(self.number, int(ticket.result["first_frame"]), track, last)

    def _fail(self, ticket: Ticket) -> None:
        if ticket.state == "cancelled":
            self.outcome.state = "cancelled"
            return
        if ticket.kind == "user":
            self.outcome.state, self.outcome.error = "failed", ticket.error
        else:
            self._break(WorkerFault(ticket.error, ticket.traceback, ticket.kind != "worker"))

    def _break(self, fault: WorkerFault) -> None:
        self.outcome.state, self.outcome.error = "failed", report_fault(fault)

    def _cancel(self) -> None:
        provider = worker(self._order.device, self._order.threads)
        opened = self.state == "open"
        if self._ticket is not None and not self._ticket.finished:
            provider.cancel(self._ticket)
            opened = True  # it may have got as far as that
        if opened and provider.pid is not None:  # a worker that has ended took its sessions along
            provider.submit("session_cancel", {"session": self._id})
        provider.poll()
        self._ticket = None
        self._waiting.clear()
        self.outcome.state = "cancelled"

# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of one ``Session`` object, one after another, on Blender's main thread.

The pump holds a line, a script holds the ``Session``: what was ended is made and written even when
the script forgets its object, and what was not ended is then cancelled, for nobody can end it.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass

from ..core.limits import SHORT_CLIP_S
from ..operators.faults import report_fault
from .baking import Baked, Baker
from .session_run import FrameBlock, Outcome, Run

EMPTY = "The session held no sound. Send samples before its end."
SHORT = "The session is under 0.5 s long; emotion and face parameters may have no effect."


@dataclass(frozen=True)
class SessionResult:
    """How a session ended.

    ``ok`` and ``error`` (one sentence, empty when it succeeded), ``cancelled``; ``frame_count``
    frames made; ``take_id`` of the action that was written, empty without a face; ``device`` that
    the network ran on.
    """

    number: int
    ok: bool
    error: str = ""
    cancelled: bool = False
    frame_count: int = 0
    take_id: str = ""
    device: str = ""
    notices: tuple[str, ...] = ()


class SessionLine:
    """A task of the pump for as long as ``wanted`` says that somebody can still send.

    ``rate`` samples per second; ``baker`` writes keyframes, None for none; ``has_parameters`` says
    whether emotion or face parameters were given, which a short session may not show.
    ``runs`` are those that are not over, oldest first; ``open`` of them is the one that sends go
    to; ``latest`` the one begun last. ``results`` says how the others ended.
    """

    def __init__(
        self,
        rate: int,
        baker: Baker | None,
        has_parameters: bool,
        wanted: Callable[[], bool],
    ) -> None:
        self.runs: list[Run] = []
        self.open: Run | None = None
        self.latest: Run | None = None
        self.arrived: queue.SimpleQueue[FrameBlock] = queue.SimpleQueue()
        self.results: list[SessionResult] = []
        self.closed = False
        self._stepping = False
        self._rate = rate
        self._baker = baker
        self._has_parameters = has_parameters
        self._wanted = wanted

    @property
    def keeps_frames(self) -> bool:
        """Whether frames are kept until they are written."""
        return self._baker is not None

    @property
    def holds_worker(self) -> bool:
        """Whether the worker is needed: between two pieces of sound it only looks idle."""
        return bool(self.runs)

    @property
    def unfinished(self) -> bool:
        """Whether something that was ended is still being made or written."""
        return not self.closed and any(run is not self.open for run in list(self.runs))

    def begin(self, run: Run) -> None:
        """From now on sends go to this one. From any thread."""
        self.open = self.latest = run
        self.runs.append(run)
        if self.closed:  # meanwhile, and nobody steps it any more
            run.stop = True

    def stop(self) -> None:
        """Make nothing more, of sessions that were ended neither. From any thread."""
        for run in list(self.runs):
            run.stop = True

    def cancel(self) -> None:
        """End for good, without leaving anything half done."""
        self.closed = True
        self.stop()
        self.step()

    def step(self) -> bool:
        """Called by the pump: move all sessions on."""
        if self._stepping:  # it was closed by what Blender calls while keyframes are written
            return True
        self._stepping = True
        try:
            self._move()
            if self.closed and self.runs:
                self._move()
        finally:
            self._stepping = False
        return bool(self.runs) or (not self.closed and self._wanted())

    def _move(self) -> None:
        if self.open is not None and not self._wanted():
            self.open.stop = True
        for run in list(self.runs):
            self._step(run)
            while not run.arrived.empty():
                self.arrived.put(run.arrived.get_nowait())
            if not run.finished or not self._baked(run):
                break  # one after another: frames and keyframes come in the order of the sends
            self.runs.remove(run)

    def _step(self, run: Run) -> None:
        try:
            run.step()
        except Exception as error:
            run.outcome.state, run.outcome.error = "failed", report_fault(error)

    def _baked(self, run: Run) -> bool:
        """Write the keyframes of a finished session, step by step; True when that is over."""
        outcome = run.outcome
        if run.stop and self._baker is not None:
            self._baker.close()
            outcome.state = "cancelled"
        if outcome.state == "done" and not outcome.frames:
            outcome.state, outcome.error = "failed", EMPTY
        if outcome.state != "done" or self._baker is None:
            self._finish(outcome, run.number, Baked(error=outcome.error))
            return True
        baked = self._baker.step(outcome, self._rate)
        if baked is not None:
            self._finish(outcome, run.number, baked)
        return baked is not None

    def _finish(self, outcome: Outcome, number: int, baked: Baked) -> None:
        cancelled = outcome.state == "cancelled"
        notices = (*outcome.notices, *baked.notices)
        short = outcome.samples < SHORT_CLIP_S * self._rate
        if short and self._has_parameters and not cancelled:
            notices = (*notices, SHORT)
        self.results.append(
            SessionResult(
                number=number,
                ok=not baked.error and not cancelled,
                error=baked.error or ("Cancelled." if cancelled else ""),
                cancelled=cancelled,
                frame_count=outcome.frames,
                take_id=baked.take_id,
                device=str(outcome.result.get("device", "")),
                notices=notices,
            )
        )

# SPDX-License-Identifier: GPL-3.0-or-later
"""One microphone that is on at the worker: opened, asked again and again, closed.

``step`` moves it on without waiting and without touching the scene.
"""

from __future__ import annotations

import itertools
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..core.face.track import FaceTrack, jaw_rest_of
from ..providers.base import Ticket
from .worker_host import worker

if TYPE_CHECKING:
    from ..worker.messages import Arrays, Fields

_NUMBERS = itertools.count(1)  # no two sessions of this Blender have the same name at the worker


class Session:
    """``state`` is what the worker told last ("live_read"), ``newest`` the last frame that came and
    was not taken yet, ``error`` why the microphone has stopped. ``over`` once it is closed."""

    def __init__(self, args: Fields, arrays: Arrays, device: str = "", threads: int = 0) -> None:
        self.state: Fields = {}
        self.about: Fields = {}
        self.newest: FaceTrack | None = None
        self.frame_s = 0.0  # seconds of sound before the newest frame
        self.error = ""
        self.notices: list[str] = []
        self.over = False
        self._name = f"live {next(_NUMBERS)}"
        self._open: tuple[Fields, Arrays] | None = (args, arrays)
        self._device, self._threads = device, threads
        self._changes: Fields = {}
        self._ending = False
        self._ticket: Ticket | None = None

    @property
    def is_open(self) -> bool:
        """Whether sound comes."""
        return bool(self.about) and not self.over

    def change(self, **changes: Any) -> None:
        """Arguments of "live_set", sent as soon as possible."""
        self._changes.update(changes)

    def end(self) -> None:
        """Switch the microphone off; goes on until it is ``over``."""
        self._ending = True

    def step(self) -> None:
        """Take what has come and ask for more. Raises nothing."""
        if self.over:
            return
        provider = worker(self._device, self._threads)
        provider.poll()
        if self._ticket is not None:
            if not self._ticket.finished:
                return
            ticket, self._ticket = self._ticket, None
            self._take(ticket)
        if not self.over:
            self._ticket = self._next(provider)

    def _next(self, provider: Any) -> Ticket | None:
        """What is to be asked now; None when it was never opened and never will be."""
        if self._open is not None:
            if self._ending:
                self.over = True
                return None
            (args, arrays), self._open = self._open, None
            ticket: Ticket = provider.submit("live_open", {**args, "session": self._name}, arrays)
            return ticket
        fields: Fields = {"session": self._name}
        if self._ending:
            return self._submitted(provider, "live_close", {**fields, "discard": True})
        if self._changes:
            changes, self._changes = self._changes, {}
            return self._submitted(provider, "live_set", {**fields, **changes})
        return self._submitted(provider, "live_read", fields)

    def _submitted(self, provider: Any, job: str, fields: Fields) -> Ticket:
        ticket: Ticket = provider.submit(job, fields)
        return ticket

    def _take(self, ticket: Ticket) -> None:
        if ticket.state != "done":
            self._fail(ticket)
            return
        result = dict(ticket.result)
        self.notices += [str(text) for text in result.get("notices", ())]
        if ticket.job == "live_open":
            self.about = result
        self.state = result
        if ticket.job == "live_close":
            self.over = True
        elif result["error"]:
            self.error, self._ending = str(result["error"]), True
        if ticket.job == "live_read":
            self._take_frames(ticket)

    def _fail(self, ticket: Ticket) -> None:
        text = ticket.error or "The microphone was switched off."
        if ticket.job == "live_set":
            self.notices.append(text)
            return
        self.error = self.error or text
        self.over = True

    def _take_frames(self, ticket: Ticket) -> None:
        count = len(ticket.arrays.get("weights", ()))
        if not count:
            return
        arrays, fps = ticket.arrays, Fraction(*self.about["fps"])
        head = arrays.get("head")
        self.newest = FaceTrack(
            names=tuple(self.about["names"]),
            weights=arrays["weights"][-1:],
            jaw=arrays["jaw"][-1:],
            eyes=arrays["eyes"][-1:],
            fps=fps,
            duration_s=1 / float(fps),
            head=None if head is None else head[-1:],
            jaw_rest=jaw_rest_of(self.about),
        )
        self.frame_s = (int(ticket.result["first_frame"]) + count - 1) / float(fps)

    def lateness_ms(self) -> float:
        """Milliseconds from the moment when all was said that the newest frame needs until now, as
        far as the device knows how late its sound is."""
        spoken = self.state["began_s"] + self.frame_s + self.state["ahead_ms"] / 1000
        return 1000 * (time.monotonic() - float(spoken)) + float(self.state["latency_ms"])

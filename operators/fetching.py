# SPDX-License-Identifier: GPL-3.0-or-later
"""The one download that runs: in a worker of its own, so that animating does not wait for it.

It goes on while scenes are opened and closed; the preferences show how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.errors import Cancelled, UserError
from ..properties.library import FETCHING
from ..providers.base import Ticket
from ..scene.places import user_folder
from . import pump
from .asking import Progress, wait_for
from .explained import DIALOG_WIDTH, Explained
from .faults import WorkerFault, attempt, report_fault, sentence

KEPT = "what has arrived is kept"


class Fetches(Explained):
    """For operators that show terms in a dialog and then fetch: ``begin`` does it."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return offline_reason() or busy_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        operator: Any = self
        manager = context.window_manager
        return manager.invoke_props_dialog(
            operator, width=DIALOG_WIDTH, confirm_text=operator.bl_label
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        operator: Any = self
        return attempt(operator, self.begin)

    def begin(self) -> None:
        """Raises UserError, Cancelled and WorkerFault."""
        raise NotImplementedError


@dataclass(frozen=True)
class Errand:
    """A job of the worker's table; ``done`` makes the sentence of its result."""

    job: str
    args: Mapping[str, Any]
    done: Callable[[Ticket], str]


def offline_reason() -> str:
    """Why nothing can be downloaded, as a short phrase; empty when Blender may go online."""
    if bpy.app.online_access:
        return ""
    return "Blender may not go online: allow it in Preferences > System > Network"


def busy_reason() -> str:
    return f"{FETCHING.text or 'Something'} is being fetched already" if FETCHING.running else ""


def fetch(errand: Errand) -> None:
    """Begin a download; in background it is waited for. Raises UserError, WorkerFault, Cancelled
    in background only: in a window everything is told by ``FETCHING``."""
    task = _Task(errand)
    FETCHING.begin()
    if not bpy.app.background:
        pump.add(task)
        return
    try:
        text = wait_for(task.steps)
        FETCHING.end(text, "done")
    except BaseException as error:
        task.fail(error)
        raise


class _Task:
    """Moves a download on from Blender's main thread."""

    holds_worker = False  # the worker shows by itself that it is busy

    def __init__(self, errand: Errand) -> None:
        self.steps = _steps(errand)

    def step(self) -> bool:
        """A little of it; True while there is more to do."""
        try:
            now = next(self.steps)
        except StopIteration as end:
            FETCHING.end(end.value, "done")
            redraw_preferences()
            return False
        except Exception as error:
            self.fail(error)
            return False
        if (now.fraction, now.text) != (FETCHING.fraction, FETCHING.text):
            FETCHING.fraction, FETCHING.text = now.fraction, now.text
            redraw_preferences()
        return True

    def cancel(self) -> None:
        self.steps.close()
        FETCHING.end(f"Cancelled; {KEPT}", "stopped")
        redraw_preferences()

    def fail(self, error: BaseException) -> None:
        self.steps.close()
        if isinstance(error, UserError):
            FETCHING.end(sentence(error), "failed")
        elif isinstance(error, Cancelled):
            FETCHING.end(f"Cancelled; {KEPT}", "stopped")
        else:
            FETCHING.end(report_fault(error), "failed")
        redraw_preferences()


def _steps(errand: Errand) -> Generator[Progress, None, str]:
    """Let a worker of our own do it, and end it and all it started.

    A cancel is waited for in steps; closing the generator waits at once.
    """
    from ..providers.local import LocalWorker

    worker = LocalWorker(None, str(user_folder("logs") / "fetching.log"), threads=1)
    try:
        ticket = worker.submit(errand.job, dict(errand.args))
        while not ticket.finished:
            worker.poll()
            if FETCHING.cancel:
                worker.let_go()
            yield Progress(ticket.progress, ticket.stage or "Starting")
        worker.let_go()
        while worker.busy:
            worker.poll()
            yield Progress(ticket.progress, "Ending")
    finally:
        worker.stop()
    if ticket.state == "cancelled":
        raise Cancelled("Cancelled.")
    if ticket.state == "failed":
        if ticket.kind == "user":
            raise UserError(ticket.error)
        raise WorkerFault(ticket.error, ticket.traceback, ticket.kind != "worker")
    return errand.done(ticket)


def redraw_preferences() -> None:
    """Let the preferences show what has changed."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


class FACEWRIGHT_OT_fetch_cancel(Explained, bpy.types.Operator):
    """Stop the download; what has arrived is kept for the next time"""

    bl_idname = "facewright.fetch_cancel"
    bl_label = "Cancel Download"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if FETCHING.running else "Nothing is being fetched"

    def execute(self, context: bpy.types.Context) -> set[str]:
        FETCHING.cancel = True
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_fetch_cancel,))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that take a while: in a window in short steps, with progress and Esc; else they wait.

``Running`` is for operators whose work is a generator of ``Progress``. Closing it leaves everything
as it was.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import Cancelled, UserError
from ..properties.progress import STATE
from .explained import Explained
from .faults import report_fault, sentence

if TYPE_CHECKING:
    from .asking import Progress

TICK_S = 0.03
# What has to end with the extension: the work, and the timer that moves it on
_going: dict[bpy.types.Timer, Generator[Any, None, Any]] = {}


class Running(Explained):
    """A base of operators beside ``bpy.types.Operator``; they say ``steps`` and ``tell``.

    ``topic`` is the bl_idname of the panel that shows what came of it; "" is the main one."""

    topic = ""

    def steps(self, context: bpy.types.Context) -> Generator[Progress, None, Any]:
        """The work. Raises UserError at once for what can be seen at once."""
        raise NotImplementedError

    def tell(self, result: Any) -> None:
        """Report what the work came to, also to ``STATE``."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Wait for it: in background, and for scripts."""
        from .asking import wait_for

        STATE.topic = self.topic
        try:
            self.tell(wait_for(self.steps(context)))
        except UserError as error:
            return self._fail(sentence(error))
        except Cancelled as error:
            return self._fail(str(error))
        except Exception as error:
            return self._fail(report_fault(error))
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        STATE.topic = self.topic
        try:
            self._running = self.steps(context)
        except UserError as error:
            return self._fail(sentence(error))
        except Exception as error:
            return self._fail(report_fault(error))
        STATE.begin(self.topic)
        manager = context.window_manager
        self._timer = manager.event_timer_add(TICK_S, window=context.window)
        _going[self._timer] = self._running
        manager.modal_handler_add(self)
        manager.progress_begin(0, 100)
        context.workspace.status_text_set(f"{self.bl_label}: Esc cancels")  # type: ignore[attr-defined]
        redraw(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if STATE.cancel or (event.type == "ESC" and event.value == "PRESS"):
            self._stop(context)
            STATE.end("Cancelled", "stopped")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            now = next(self._running)
        except StopIteration as end:
            self._stop(context)
            self.tell(end.value)
            return {"FINISHED"}
        except (UserError, Cancelled) as error:
            self._stop(context)
            return self._fail(" ".join(str(error).split()))
        except Exception as error:
            self._stop(context)
            return self._fail(report_fault(error))
        if (now.fraction, now.text) != (STATE.fraction, STATE.text):
            STATE.fraction, STATE.text = now.fraction, now.text
            context.window_manager.progress_update(now.fraction * 100)
            redraw(context)
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: a file is loaded, the window closed, Blender quits."""
        self._stop(context)
        STATE.end("Cancelled", "stopped")

    def _stop(self, context: bpy.types.Context) -> None:
        _end(context, self._timer)
        STATE.running = False
        redraw(context)

    def _fail(self, text: str) -> set[str]:
        STATE.end(text, "failed")
        self.report({"ERROR"}, text)  # type: ignore[attr-defined]
        redraw(bpy.context)
        return {"CANCELLED"}


def _end(context: bpy.types.Context, timer: bpy.types.Timer) -> None:
    """Close the work of a timer, and take away all that shows that it went on."""
    steps = _going.pop(timer, None)
    if steps is None:
        return
    steps.close()
    manager = context.window_manager
    manager.event_timer_remove(timer)
    manager.progress_end()
    for workspace in bpy.data.workspaces:  # the user may have gone to another one meanwhile
        workspace.status_text_set(None)


def redraw(context: bpy.types.Context) -> None:
    """Let the panels show what has changed."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def register() -> None:
    _going.clear()


def unregister() -> None:
    """The extension ends: so does what is half done, and leaves the scene as it was.

    Blender forgets the operators then without asking them to cancel.
    """
    for timer in tuple(_going):
        _end(bpy.context, timer)

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
_going: list[Generator[Any, None, Any]] = []  # what has to end with the extension


class Running(Explained):
    """A base of operators beside ``bpy.types.Operator``; they say ``steps`` and ``tell``."""

    def steps(self, context: bpy.types.Context) -> Generator[Progress, None, Any]:
        """The work. Raises UserError at once for what can be seen at once."""
        raise NotImplementedError

    def tell(self, result: Any) -> None:
        """Report what the work came to, also to ``STATE``."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Wait for it: in background, and for scripts."""
        from .asking import wait_for

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
        try:
            self._running = self.steps(context)
        except UserError as error:
            return self._fail(sentence(error))
        except Exception as error:
            return self._fail(report_fault(error))
        _going.append(self._running)
        STATE.begin()
        manager = context.window_manager
        self._timer = manager.event_timer_add(TICK_S, window=context.window)
        manager.modal_handler_add(self)
        manager.progress_begin(0, 100)
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
        self._running.close()
        if self._running in _going:
            _going.remove(self._running)
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        STATE.running = False
        redraw(context)

    def _fail(self, text: str) -> set[str]:
        STATE.end(text, "failed")
        self.report({"ERROR"}, text)  # type: ignore[attr-defined]
        redraw(bpy.context)
        return {"CANCELLED"}


def redraw(context: bpy.types.Context) -> None:
    """Let the panels show what has changed."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def register() -> None:
    _going.clear()


def unregister() -> None:
    """The extension ends: so does what is half done, and leaves the scene as it was."""
    for steps in tuple(_going):
        steps.close()
    _going.clear()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch: many voices animated in programs of their own while the user goes on working."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import Cancelled, UserError
from ..properties.batch import BATCH, FAILED
from . import pump
from .asking import wait_for
from .batch_order import order_problem
from .explained import Explained
from .faults import attempt, report_fault, sentence
from .running import redraw

if TYPE_CHECKING:
    from .batch_run import Steps

LISTED_PER_STEP = 1000


class FACEWRIGHT_OT_batch_animate(Explained, bpy.types.Operator):
    """Animate all voices with the present settings and save the ticked files of each"""

    bl_idname = "facewright.batch_animate"
    bl_label = "Animate Folder"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "A batch is running already" if BATCH.running else order_problem(context.scene)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from .batch_run import batch_steps

        def work() -> None:
            BATCH.forget()
            _run(batch_steps(context.scene))
            if BATCH.outcome:
                self.report({"WARNING" if BATCH.count(FAILED) else "INFO"}, f"{BATCH.outcome}.")

        outcome = attempt(self, work)
        redraw(context)
        return outcome


class FACEWRIGHT_OT_batch_cancel(Explained, bpy.types.Operator):
    """Stop the batch; the files that are done stay and are not made again"""

    bl_idname = "facewright.batch_cancel"
    bl_label = "Cancel Batch"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if BATCH.running else "No batch is running"

    def execute(self, context: bpy.types.Context) -> set[str]:
        BATCH.cancel = True
        return {"FINISHED"}


def _run(steps: Steps) -> None:
    """In a window begin it; in background wait for it. Raises UserError, Cancelled and faults
    in background only: in a window everything is told by ``BATCH``."""
    BATCH.begin()
    task = _Task(steps)
    if not bpy.app.background:
        BATCH.outcome = ""
        pump.add(task)
        return
    try:
        task.finish(wait_for(steps))
    except BaseException as error:
        task.fail(error)
        raise


class _Task:
    """Moves a batch on from Blender's main thread; files may be opened and saved meanwhile."""

    holds_worker = False

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._listed = -1

    def step(self) -> bool:
        """A little of it; True while there is more to do."""
        try:
            now = next(self._steps)
        except StopIteration as end:
            self.finish(end.value)
            redraw(bpy.context)
            return False
        except Exception as error:
            self.fail(error)
            redraw(bpy.context)
            return False
        if self._list() or (now.fraction, now.text) != (BATCH.fraction, BATCH.text):
            BATCH.fraction, BATCH.text = now.fraction, now.text
            redraw(bpy.context)
        return True

    def _list(self) -> bool:
        """Let the panel's list have as many rows as the batch; True when it has changed."""
        rows: Any = bpy.context.window_manager.facewright_batch.rows
        missing = len(BATCH.rows) - len(rows)
        if missing < 0:
            rows.clear()
            missing = len(BATCH.rows)
        for _ in range(min(missing, LISTED_PER_STEP)):
            rows.add()
        return missing > 0

    def finish(self, said: str) -> None:
        self._list()
        BATCH.end(said, "failed" if BATCH.count(FAILED) else "done")

    def cancel(self) -> None:
        """The extension ends, or Blender."""
        self._steps.close()
        BATCH.end("Cancelled", "stopped")

    def fail(self, error: BaseException) -> None:
        self._steps.close()
        if isinstance(error, UserError):
            BATCH.end(sentence(error), "failed")
        elif isinstance(error, Cancelled):
            BATCH.end(str(error), "stopped")
        else:
            BATCH.end(report_fault(error), "failed")


def batch_folder() -> str:
    """The folder of the last batch's files; empty when there is none."""
    return BATCH.folder if BATCH.folder and os.path.isdir(BATCH.folder) else ""


register, unregister = bpy.utils.register_classes_factory(
    (FACEWRIGHT_OT_batch_animate, FACEWRIGHT_OT_batch_cancel)
)

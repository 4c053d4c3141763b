# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of ours: a report file for the developers and one sentence that names it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress

import bpy

from ..core.errors import Cancelled, UserError
from ..scene.places import user_folder


class WorkerFault(Exception):
    """A job failed in the worker through no fault of the user.

    ``details`` is its traceback. ``is_bug``: the job itself broke; else the worker was lost, and
    the message says how in words for the user.
    """

    def __init__(self, message: str, details: str = "", is_bug: bool = True) -> None:
        super().__init__(message)
        self.details = details
        self.is_bug = is_bug


def report_fault(error: BaseException) -> str:
    """Write a report file about an unexpected error; returns the sentence for the user."""
    import traceback

    from ..scene.versions import description

    lines = [f"{name}: {value}" for name, value in description().items()]
    lines += ["", *traceback.format_exception(error)]
    if isinstance(error, WorkerFault) and error.details:
        lines += ["", "In the worker:", error.details]
    path = user_folder("reports") / time.strftime("report-%Y%m%d-%H%M%S.txt")
    with suppress(OSError):
        path.write_text("\n".join(lines), encoding="utf-8")
        if isinstance(error, WorkerFault) and not error.is_bug:
            return f"{' '.join(str(error).split())} The report is {path}"
        return f"Something unexpected went wrong; the report is {path}"
    return f"Something unexpected went wrong: {error!r}"


def shortened(text: str) -> tuple[str, str]:
    """A text with files of the extension's own folder by their short names, and that folder; ""
    for it when the text names none of them."""
    folder = str(user_folder())
    short = text.replace(folder + os.sep, "")
    return short, folder if short != text else ""


def attempt(operator: bpy.types.Operator, work: Callable[[], object]) -> set[str]:
    """Do an operator's work; what goes wrong becomes its report, and the operator is cancelled."""
    try:
        work()
    except UserError as error:
        operator.report({"ERROR"}, sentence(error))
    except Cancelled:
        pass  # the user knows
    except Exception as error:
        operator.report({"ERROR"}, report_fault(error))
    else:
        return {"FINISHED"}
    return {"CANCELLED"}


def sentence(error: UserError) -> str:
    """An error of the user's as one line."""
    return " ".join(str(error).split())

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .messages import Arrays, Fields

Reply = tuple[Fields, Arrays]


class Progress(Protocol):
    """Tells how far a job is; may be called as often as one likes.

    ``fraction`` 0 to 1 of the whole job, ``stage`` what is being done. ``patience_s``: no word may
    be expected for so many seconds from now on, because a step begins that cannot tell anything
    (opening a large model, building an engine). It holds until the next call.
    """

    def __call__(self, fraction: float, stage: str, patience_s: float = 0.0) -> None: ...


@dataclass(frozen=True)
class Call:
    """What a job is given.

    ``threads`` is for jobs that name none themselves. ``scratch`` is a folder for what a job wants
    to find again when it is begun anew after a crash; None when there is none.
    """

    args: Fields
    arrays: Arrays
    progress: Progress
    cancelled: Callable[[], bool]
    threads: int
    scratch: Path | None = None


@dataclass(frozen=True)
class Job:
    """A function of the table and the packages without which it is not begun.

    ``express``: short, and done while another job computes, from within its progress.
    ``once``: never handed in again after the worker's death, because what it continues died too.
    """

    run: Callable[[Call], Reply]
    needs: tuple[str, ...] = ()
    express: bool = False
    once: bool = False

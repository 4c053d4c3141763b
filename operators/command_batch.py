# SPDX-License-Identifier: GPL-3.0-or-later
"""The subcommand ``batch``: rows of a manifest, or the voices of a folder, baked on a character.

Rows that are up to date are skipped, those that fail do not stop the others; each has its line.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Cancelled, UserError
from .command_tools import check_open_file, say

if TYPE_CHECKING:
    from ..core.batch.ledger import Ledger
    from ..core.batch.manifest import Row
    from ..core.batch.order import Order
    from ..core.batch.report import RowResult
    from .batch_rows import Stage


def add_batch(commands: Any, usage: str) -> None:
    """Add the subcommand to the others."""
    from ..core.batch.outputs import BAKED, ENDINGS
    from ..core.batch.words import add_words

    parser = commands.add_parser(
        "batch", prog=f"{usage} batch", help="animate many voices and save each"
    )
    parser.set_defaults(subcommand=_batch)
    add_words(parser, (*BAKED, *ENDINGS))
    add = parser.add_argument
    add("--object", action="extend", nargs="+", default=[], metavar="NAME",
        help="mesh of the face, several for several faces; without, the characters of the "
        "file's pipeline")  # fmt: skip
    add("--scene", default="", metavar="NAME", help="scene of the file; its own without")
    add("--start-frame", type=float, metavar="N", help="frame at which voices begin")
    add("--threads", type=int, default=0, metavar="N", help="processor threads; 0 chooses")
    add("--file", metavar="FILE", help="refuse to run unless this .blend is the one open")


def _batch(options: argparse.Namespace) -> int:
    from ..core.batch.ledger import Ledger
    from ..core.batch.report import Report, RowResult
    from ..core.batch.words import order_of, rows_of
    from ..scene.reopening import Beginning
    from .batch_rows import Stage, check_formats

    if options.file:
        check_open_file(options.file)
    if options.threads < 0:
        raise UserError("--threads cannot be negative.")
    rows, order = rows_of(options), order_of(options)
    check_formats(order.formats)
    ledger = Ledger(options.out)
    ledger.clear()
    report = Report(len(rows), ledger.folder)
    with tempfile.TemporaryDirectory(prefix="facewright-batch-") as folder:
        stage = Stage(
            Beginning(Path(folder), options.scene),
            ledger.folder,
            tuple(options.object),
            options.start_frame,
            options.device if options.device != "auto" else "",
            options.threads,
            options.accept_licence,
        )
        maker = _Maker(order, ledger, stage, options.life_line)
        say(f"openjd_status: {report.sentence}")
        for row in rows:
            if options.redo:
                ledger.forget(row)
            if row.problem:
                ledger.fail(row, "", row.problem)
                result = RowResult.of(row, "failed", row.problem)
            else:
                result = maker.make(row)
            _say(report.add(result))
    _say(report.last_lines(options.no_fail))
    return report.exit_code(options.no_fail)


class _Maker:
    """Makes rows of one order."""

    def __init__(self, order: Order, ledger: Ledger, stage: Stage, life_line: bool) -> None:
        from .batch_rows import Folders

        self._order, self._ledger, self._stage = order, ledger, stage
        self._life_line = life_line
        # Raises UserError for a model that is no use: then no row has to be tried
        self._folders = Folders(order, stage.accept_licence)

    def make(self, row: Row) -> RowResult:
        """Make a row's files unless they are up to date. Raises Cancelled."""
        from ..core.batch.report import RowResult

        began, mark = time.monotonic(), ""
        try:
            own = self._order.for_row(row)
            mark = self._folders.mark(row, self._stage.about(row))
            record = self._ledger.record(row)
            if record is not None and self._ledger.is_done(row, mark):
                return RowResult.of(row, "skipped", files=tuple(record.files))
            with self._ledger.working() as folder:
                baked = self._stage.bake(row, self._folders.filled(own), folder, self._watch)
                sizes = self._ledger.put(row, mark, baked.files)
        except Cancelled:
            raise
        except Exception as error:  # any bug or library's fault costs this row alone
            say("")  # what Blender says of its exporters may lack the end of its line
            message = self._said(error, row)
            self._ledger.fail(row, mark, message)
            return RowResult.of(row, "failed", message, seconds=time.monotonic() - began)
        seconds = time.monotonic() - began
        return RowResult.of(row, "done", "", tuple(sizes), seconds, baked.notices)

    def _said(self, error: Exception, row: Row) -> str:
        from ..core.batch.report import sentence, write_fault
        from .faults import WorkerFault

        lost = isinstance(error, WorkerFault) and not error.is_bug
        if not isinstance(error, UserError) and not lost:
            details = getattr(error, "details", "")
            told = "".join(traceback.format_exception(error))
            return write_fault(self._ledger.reports, row, f"{told}\n{details}")
        text = sentence(error)
        return text if Path(row.audio).name in text else f"{Path(row.audio).name}: {text}"

    def _watch(self, _fraction: float, _stage: str) -> None:
        from ..core.life_line import is_cut

        if self._life_line and is_cut():
            raise Cancelled("Stopped. What is done stays; the same command does what is left.")


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        say(line)

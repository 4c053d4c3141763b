# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of a batch: it is handed rows on its standard input, one a line, and makes their files.

The first line is {"order", "out", "model_sha256", "device", "threads"}. Answers are lines of JSON
on standard output: {"ready": true}, then a ``RowResult`` for each row, or {"refused": sentence}
when none can be done, after which it ends. Standard input is its life line, as the worker's.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.batch.ledger import Ledger, audio_sha256, row_mark
from ..core.batch.manifest import Row
from ..core.batch.order import Order
from ..core.batch.outputs import check_formats, write_files
from ..core.batch.report import RowResult, sentence, write_fault
from ..core.errors import UserError
from ..core.models.loading import folder_sha256
from .environment import describe
from .faults import fault_of
from .kept import Kept, Wanted
from .packages import ROOT

if TYPE_CHECKING:
    from ..core.take import Take

MODEL = ROOT / "models" / "facewright"
EMOTION_MODEL = ROOT / "models" / "facewright-emotion"
BENCH = "batch"


class Refused(Exception):
    """No row can be done; why, is a sentence."""


@dataclass
class Maker:
    """Makes rows of one order, with one opened model."""

    order: Order
    ledger: Ledger
    model_sha256: str
    device: str = "auto"
    threads: int = 1
    _kept: Kept = field(default_factory=Kept)
    _emotion_sha256: dict[str, str] = field(default_factory=dict)
    _opened: bool = False

    def make(self, row: Row) -> RowResult:
        """Make a row's files unless they are up to date. Whatever goes wrong is its result.

        Raises Refused when the model cannot be used at all.
        """
        began = time.perf_counter()
        mark = ""
        try:
            own = self.order.for_row(row).with_models(MODEL, EMOTION_MODEL)
            mark = self._mark(row, own)
            record = self.ledger.record(row)
            if record is not None and self.ledger.is_done(row, mark):
                return RowResult.of(row, "skipped", files=tuple(record.files))
            check_formats(own.formats)
            take = self._take(row, own)
            with self.ledger.working() as folder:
                made = write_files(folder, row, own, take.face)
                sizes = self.ledger.put(row, mark, made)
        except Refused:
            raise
        except Exception as error:  # any bug or library's fault costs this row alone
            if self.ledger.is_done(row, mark):  # another batch on this folder was faster
                return RowResult.of(row, "skipped")
            message = self._said(error, row)
            self.ledger.fail(row, mark, message)
            return RowResult.of(row, "failed", message, seconds=time.perf_counter() - began)
        seconds = time.perf_counter() - began
        return RowResult.of(row, "done", "", tuple(sizes), seconds, take.face.notices)

    def _mark(self, row: Row, own: Order) -> str:
        emotion = own.emotion.model if own.emotion.mode != "off" else ""
        if emotion and emotion not in self._emotion_sha256:
            self._emotion_sha256[emotion] = folder_sha256(Path(emotion))
        known = self._emotion_sha256.get(emotion, "")
        return row_mark(row, self.order, audio_sha256(row.audio), self.model_sha256, known)

    def _take(self, row: Row, own: Order) -> Take:
        from ..core.take import Request

        if not self._opened:
            self._open(self.order.with_models(MODEL, EMOTION_MODEL))
        loaded = self._kept.loaded(self._wanted(own))
        bench = self._kept.workbench(BENCH, loaded)  # what rows have in common is prepared once
        request = Request(row.voice, own.model, own.fps, own.settings, own.rigs, own.emotion)
        return bench.face(request)

    def _wanted(self, own: Order) -> Wanted:
        return Wanted(
            own.model,
            str(own.settings.get("identity", "")),
            self.device,
            self.threads,
            own.emotion.model if own.emotion.mode != "off" else "",
            own.low_delay,
        )

    def _open(self, common: Order) -> None:
        """Open what all rows need: when that is bad, no row has to be tried."""
        problems: dict[str, str] = describe()["problems"]
        if problems:
            raise Refused(" ".join(problems.values()))
        try:
            self._kept.loaded(self._wanted(common))
        except UserError as error:
            raise Refused(sentence(error)) from error
        self._opened = True

    def _said(self, error: Exception, row: Row) -> str:
        fault = fault_of(error, "row", self.device)
        if fault.kind == "internal":
            return write_fault(self.ledger.reports, row, fault.traceback)
        text = " ".join(fault.text.split())
        return text if Path(row.audio).name in text else f"{Path(row.audio).name}: {text}"


def serve() -> int:
    """Make rows until there are no more; the exit code is 0."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    out = os.dup(1)
    os.dup2(2, 1)  # what libraries print must not come between the answers
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(lines,), name="life line", daemon=True).start()
    start = json.loads(lines.get())
    maker = Maker(
        Order.from_mapping(start["order"], Path(os.sep)),
        Ledger(start["out"]),
        start["model_sha256"],
        start["device"],
        start["threads"],
    )
    _answer(out, {"ready": True})
    for line in iter(lines.get, b""):
        try:
            result = maker.make(Row.from_mapping(json.loads(line)))
        except Refused as error:
            _answer(out, {"refused": str(error)})
            return 0
        _answer(out, result.to_mapping())
    return 0


def _receive(lines: queue.SimpleQueue[bytes]) -> None:
    """Hand lines on; the end of them ends the process, whatever it does."""
    for line in _lines(0):
        lines.put(line)
    os._exit(0)


def _lines(handle: int) -> Iterator[bytes]:
    rest = b""
    while block := os.read(handle, 1 << 16):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole


def _answer(out: int, values: dict[str, Any]) -> None:
    data = json.dumps(values).encode("ascii") + b"\n"
    while data:
        data = data[os.write(out, data) :]


def words_for(packages: Sequence[str]) -> list[str]:
    """The command that starts such a process."""
    entry = str(Path(__file__).with_name("batch.py"))
    named = [word for folder in packages for word in ("--packages", folder)]
    return [sys.executable, "-I", "-X", "utf8", entry, "--serve", *named]

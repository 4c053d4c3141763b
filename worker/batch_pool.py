# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a batch, seen from the one that hands out rows.

Each process is handed one row at a time, whichever is free the next. One that dies costs its row
alone: the row is tried once more when the others are done, in a new process, in case that memory
was short.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.batch.manifest import Row
from ..core.batch.report import RowResult
from ..core.errors import UserError

STEP_S = 0.5  # on Windows a wait without an end hears no interrupt
STOP_S = 5.0
_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


@dataclass(eq=False)
class _Process:
    """One process; ``card`` is the graphics card that it alone uses, "" for none."""

    process: subprocess.Popen[bytes]
    card: str
    row: Row | None = None
    ready: bool = False


@dataclass
class Pool:
    """``command`` starts a process, ``start`` is what each is told first.

    ``cards`` one for each process that may run, "" where it uses none; ``threads`` of each.
    """

    command: Sequence[str]
    start: Mapping[str, Any]
    cards: Sequence[str]
    threads: int
    _waiting: deque[Row] = field(default_factory=deque)
    _again: set[int] = field(default_factory=set)
    _running: list[_Process] = field(default_factory=list)
    _said: queue.SimpleQueue[tuple[_Process, bytes]] = field(default_factory=queue.SimpleQueue)

    def results(self, rows: Sequence[Row]) -> Iterator[RowResult]:
        """The rows' results in the order of their ends. Close it to end all processes.

        Raises UserError when no row can be done, OSError when no process can be started.
        """
        self._waiting.extend(rows)
        try:
            for card in self.cards[: len(rows)]:
                self._begin(card)
            while self._running:
                result = self._next()
                if result is not None:
                    yield result
        finally:
            self.stop()

    def _begin(self, card: str) -> None:
        environ = {**os.environ, **dict.fromkeys(_THREADS, str(self.threads))}
        if card:
            environ["CUDA_VISIBLE_DEVICES"] = card
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        one = _Process(process, card)
        self._running.append(one)
        threading.Thread(target=self._listen, args=(one,), daemon=True).start()
        _tell(one, {**self.start, "threads": self.threads})

    def _listen(self, one: _Process) -> None:
        """Hand on what a process says, and b"" at its end."""
        if one.process.stdout is not None:
            for line in one.process.stdout:
                self._said.put((one, line))
        self._said.put((one, b""))

    def _next(self) -> RowResult | None:
        try:
            one, line = self._said.get(timeout=STEP_S)
        except queue.Empty:
            return None
        if not line.endswith(b"\n"):
            return self._ended(one)
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise UserError(answer["refused"])
        result = None
        if "ready" in answer:
            one.ready = True
        else:
            result = RowResult.from_mapping(answer)
        self._hand_out(one)
        return result

    def _hand_out(self, one: _Process) -> None:
        one.row = self._waiting.popleft() if self._waiting else None
        if one.row is None:
            _close(one)
        else:
            _tell(one, one.row.to_mapping())

    def _ended(self, one: _Process) -> RowResult | None:
        """A process has ended: because it is done, or has died over its row."""
        code = one.process.wait()
        if one not in self._running:
            return None
        self._running.remove(one)
        _close(one)
        if not one.ready:
            raise UserError(f"A process of the batch ended at its start, with the code {code}.")
        row, result = one.row, None
        if row is not None and row.number not in self._again:
            self._again.add(row.number)
            self._waiting.append(row)
        elif row is not None:
            name = Path(row.audio).name
            message = f"{name}: the process that worked on it ended twice, with the code {code}."
            result = RowResult.of(row, "failed", message)
        if self._waiting:
            self._begin(one.card)
        return result

    def stop(self) -> None:
        """End all processes, and wait until they are dead."""
        for one in self._running:
            _close(one)
        for one in self._running:
            try:
                one.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()
        self._running.clear()


def _tell(one: _Process, values: Mapping[str, Any]) -> None:
    if one.process.stdin is None:
        return
    with suppress(OSError):  # it has died: its end will be heard
        one.process.stdin.write(json.dumps(values).encode("ascii") + b"\n")
        one.process.stdin.flush()


def _close(one: _Process) -> None:
    if one.process.stdin is not None:
        with suppress(OSError):
            one.process.stdin.close()

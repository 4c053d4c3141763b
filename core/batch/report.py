# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch tells: one line of JSON for each row, lines for farms, and the exit code.

A row's line: {"row", "audio", "output", "state": "done" | "skipped" | "failed" | "missing",
"files", "seconds", "message", "notices"}. Lines that begin with ``openjd_`` are those of Open Job
Description; elsewhere they are harmless.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import UserError
from ..safe_files import Json
from .manifest import Row

DONE, USER_ERROR, WRONG_USAGE, ROWS_FAILED, FAULT = 0, 1, 2, 3, 4
NAME = "report.jsonl"  # in the output folder: every row's line, of all runs
Outcome = Literal["done", "skipped", "failed", "missing"]
OUTCOMES: tuple[Outcome, ...] = ("done", "skipped", "failed", "missing")
_WORDS = {"done": "done", "skipped": "up to date", "failed": "failed", "missing": "missing"}


@dataclass(frozen=True)
class RowResult:
    """What came of a row.

    ``files`` below the output folder; ``message`` why it failed; ``notices`` what is worth knowing
    of it; ``seconds`` that it took
    """

    row: int
    audio: str
    output: str
    state: Outcome
    files: tuple[str, ...] = ()
    seconds: float = 0.0
    message: str = ""
    notices: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        row: Row,
        state: Outcome,
        message: str = "",
        files: Sequence[str] = (),
        seconds: float = 0.0,
        notices: Sequence[str] = (),
    ) -> RowResult:
        """The result of a row."""
        return cls(
            row.number, row.audio, row.output, state, tuple(files), round(seconds, 3), message,
            tuple(notices),
        )  # fmt: skip

    def to_mapping(self) -> dict[str, Json]:
        """Plain values for JSON; ``from_mapping`` takes them back."""
        return {
            "row": self.row,
            "audio": self.audio,
            "output": self.output,
            "state": self.state,
            "files": list(self.files),
            "seconds": self.seconds,
            "message": self.message,
            "notices": list(self.notices),
        }

    @classmethod
    def from_mapping(cls, values: dict[str, Json]) -> RowResult:
        """Of what ``to_mapping`` gave."""
        lists = {name: tuple(values[name]) for name in ("files", "notices")}
        return cls(**{**values, **lists})

    @property
    def line(self) -> str:
        """The line of JSON, without its end. Names that are no text are written with escapes."""
        text = json.dumps(self.to_mapping(), ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Report:
    """Counts results, and knows the lines to print after each.

    ``total`` rows are to come. ``folder`` is the output folder, whose report every result goes to;
    None writes none.
    """

    def __init__(self, total: int, folder: Path | None = None) -> None:
        self.total = total
        self.counts: Counter[str] = Counter()
        self._path = None if folder is None else folder / NAME

    def add(self, result: RowResult) -> list[str]:
        """Take a result; returns the lines to print. A report that cannot be written is told."""
        self.counts[result.state] += 1
        lines = [result.line]
        share = 100 * self.counts.total() / max(self.total, 1)
        lines += [f"openjd_progress: {share:.1f}", f"openjd_status: {self.sentence}"]
        try:
            self._append(result.line)
        except UserError as error:
            lines.append(f"openjd_status: {error.message}")
        return lines

    def _append(self, line: str) -> None:
        """One write, so that lines of several processes do not mix. Raises UserError."""
        if self._path is None:
            return
        try:
            with open(self._path, "ab", buffering=0) as stream:
                stream.write(f"{line}\n".encode())
        except OSError as error:
            raise UserError(f"{self._path} cannot be written: {error.strerror}.") from error

    @property
    def sentence(self) -> str:
        """Such as "3 of 200 rows: 2 done, 1 failed"."""
        parts = [f"{self.counts[one]} {_WORDS[one]}" for one in OUTCOMES if self.counts[one]]
        rows = "row" if self.total == 1 else "rows"
        return f"{self.counts.total()} of {self.total} {rows}: {', '.join(parts) or 'begun'}"

    def last_lines(self, no_fail: bool = False) -> list[str]:
        """What is printed at the end."""
        return [f"openjd_fail: {self.sentence}"] if self.exit_code(no_fail) else []

    @property
    def bad(self) -> int:
        """Rows without files that would have to be there."""
        return self.counts["failed"] + self.counts["missing"]

    def exit_code(self, no_fail: bool = False) -> int:
        """0 when all is well, 3 when rows failed or are missing; ``no_fail`` forgives that."""
        return ROWS_FAILED if self.bad and not no_fail else DONE


def sentence(error: Exception) -> str:
    """An error as one line."""
    return " ".join(str(error).split()) or type(error).__name__


def write_fault(folder: Path, row: Row, details: str) -> str:
    """Write a report about a fault of ours; returns the sentence that names it."""
    name = f"row-{row.number}-{os.urandom(3).hex()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{row}\n\n{details}", "utf-8", "backslashreplace")
    except OSError:
        last = details.strip().splitlines()[-1:] or ["no details"]
        return f"{row.where}: something unexpected went wrong: {last[0]}"
    return f"{row.where}: something unexpected went wrong; the report is {folder / name}"

# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker and other programs as processes: start, log file, life line, end."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ENTRY = Path(__file__).resolve().parent.parent / "worker" / "__main__.py"
LOG_LIMIT = 1 << 20
TAIL_BYTES = 4096
READ_BYTES = 1 << 16
TAIL_LINES = 8
KILL_WAIT_S = 10.0
# what fits into an empty pipe on every system, so that writing the start line cannot wait
START_LINE_LIMIT = 4096


class Child:
    """A process whose standard input is its life line; its output goes to ``log_path``."""

    def __init__(
        self,
        words: Sequence[str],
        log_path: str | Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; raises OSError when the program or the log file cannot be opened.

        ``environment`` holds variables that are set beside those of this process.
        """
        self._log_path = Path(log_path)
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        _rotate(self._log_path)
        with self._log_path.open("ab") as log:
            self._log_start = self._read_to = log.tell()
            self._process = subprocess.Popen(
                list(words),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._log_path.parent,
                env={**os.environ, **environment} if environment else None,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def _write(self, line: bytes) -> None:
        if self._process.stdin is None:
            return
        with contextlib.suppress(OSError):  # it has died already: exit_code tells
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def exit_code(self) -> int | None:
        """Return how it ended, None while it runs. Does not wait."""
        return self._process.poll()

    def kill(self) -> None:
        """Have it killed, without waiting for its end."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close_life_line(self) -> None:
        """Ask it to end by closing its standard input."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def stop(self, timeout_s: float) -> bool:
        """End it and wait until it is dead; kill it after ``timeout_s``. True when it is dead."""
        self.close_life_line()
        for limit_s in (timeout_s, KILL_WAIT_S):
            try:
                self._process.wait(limit_s)
            except subprocess.TimeoutExpired:
                self.kill()
            else:
                return True
        return False

    def last_words(self) -> str:
        """Return the last lines that this process wrote to its log, "" when there are none."""
        try:
            with self._log_path.open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, end - TAIL_BYTES))
                text = log.read(TAIL_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-TAIL_LINES:])

    def new_lines(self) -> list[str]:
        """Whole lines that it has written to its log since the last call. Does not wait."""
        try:
            with self._log_path.open("rb") as log:
                log.seek(self._read_to)
                data = log.read(READ_BYTES)
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        if not whole and len(data) == READ_BYTES:  # no line is that long: let it go
            whole = data
        self._read_to += len(whole)
        return whole.decode("utf-8", "replace").splitlines()


class WorkerProcess(Child):
    """A running worker."""

    def __init__(
        self, log_path: str, start: Mapping[str, object], entry: str | Path = ENTRY
    ) -> None:
        """Start it; raises OSError when Python or the log file cannot be opened."""
        line = json.dumps(start).encode("ascii") + b"\n"
        if len(line) > START_LINE_LIMIT:
            raise OSError(f"the start line of {len(line)} bytes is too long")
        super().__init__([sys.executable, "-I", "-X", "utf8", str(entry)], log_path)
        self._write(line)


def _rotate(path: Path) -> None:
    """Keep one older log when the present one has become large."""
    with contextlib.suppress(OSError):  # missing, or open in another Blender on Windows
        if path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(path.suffix + ".1"))

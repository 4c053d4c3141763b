# SPDX-License-Identifier: GPL-3.0-or-later
"""What the developer's commands say: stages with their times, failures in one sentence."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import Dict, Iterator, List, Optional, Sequence


class Failure(Exception):
    """Something that the person at the keyboard has to know, with what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def say(text: str = "") -> None:
    print(text, flush=True)


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Announce a stage and, when it ends well, how long it took."""
    say(f"-- {name}")
    began = time.monotonic()
    yield
    say(f"   {name}: {time.monotonic() - began:.1f} s")


def run(
    command: Sequence[object],
    timeout_s: float,
    env: Optional[Dict[str, str]] = None,
    cwd: Optional[str] = None,
    what: str = "",
    shown: int = 15,
) -> str:
    """Run a quiet command and return its output; a failure shows the end of that output."""
    words = [str(word) for word in command]
    name = what or words[0]
    try:
        done = subprocess.run(
            words,
            env=env,
            cwd=cwd,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{name} took more than {timeout_s:.0f} s and was stopped.") from None
    except OSError as error:
        raise Failure(f"{name} could not be started: {error}") from None
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-shown:])
        raise Failure(f"{name} failed (exit code {done.returncode}):\n{tail}")
    return done.stdout


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lines of a table whose columns are as wide as their widest cell."""
    cells: List[List[str]] = [list(head)] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)

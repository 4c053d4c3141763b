# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that do a batch's rows: all rows without Blender, or a share of them in another
Blender. What they say is read from files, so that nobody waits."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..providers.process import Child
from ..scene.places import PACKAGE, ROOT

COMMAND = ROOT / "worker" / "batch.py"
FINE = (0, 3)  # exit codes of a batch that was done to its end
READS = 4  # of a file in one look
STATUS = "openjd_status: "
# Of a Python that has Blender as a module: what ``blender --command`` does
_MODULE = """
import importlib, os, sys
import bpy
import addon_utils  # only now it is found
file, package, *words = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=file)
addon_utils.enable(package, default_set=True)
code = importlib.import_module(package + ".operators.command").main(words)
importlib.import_module(package + ".operators.worker_host").stop()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
"""


@dataclass
class Share:
    """Rows that one program does, in their order: every ``step``-th from ``first`` to ``last``.

    ``words`` start it, ``log`` takes what it says. One ``in_blender`` does its rows strictly one
    after the other, and is begun again behind a row over which it died.
    """

    words: list[str]
    log: Path
    first: int
    last: int
    step: int = 1
    in_blender: bool = False
    complaint: str = ""
    begun: bool = False
    done: set[int] = field(default_factory=set)
    pids: list[int] = field(default_factory=list)
    _child: Child | None = None

    def begin(self) -> None:
        """Start the program. Raises OSError."""
        rows = f"{self.first}-{self.last}:{self.step}"
        self.complaint, self.begun = "", False
        self._child = Child([*self.words, "--rows", rows], self.log)
        self.pids.append(self._child.pid)

    @property
    def pending(self) -> Iterator[int]:
        """Rows without a result, in their order."""
        numbers = range(self.first, self.last + 1, self.step)
        return (number for number in numbers if number not in self.done)

    def results(self, all_of_them: bool = False) -> list[dict[str, Any]]:
        """The rows' results that have come since the last call; many may take several calls."""
        found: list[dict[str, Any]] = []
        reads = 0
        while self._child is not None and (all_of_them or reads < READS):
            lines = self._child.new_lines()
            if not lines:
                break
            reads += 1
            found += [values for line in lines if (values := self._heard(line))]
        self.done.update(values["row"] for values in found)
        return found

    def _heard(self, line: str) -> dict[str, Any] | None:
        self.begun = self.begun or line.startswith(STATUS)
        for beginning in ("openjd_fail: ", "Error: "):
            if line.startswith(beginning):
                self.complaint = line.removeprefix(beginning)
        begin = line.find('{"row": ')
        if begin < 0:
            return None
        try:
            values: dict[str, Any] = json.loads(line[begin:])
        except ValueError:
            return None
        return values if values["row"] in range(self.first, self.last + 1) else None

    def exit_code(self) -> int | None:
        """How the program ended, None while it runs."""
        return None if self._child is None else self._child.exit_code()

    def last_words(self) -> str:
        """The last line that the program wrote."""
        said = self._child.last_words() if self._child is not None else ""
        return said.strip().rpartition("\n")[2]

    def end(self) -> None:
        """Ask the program to end in good order."""
        if self._child is not None:
            self._child.close_life_line()

    def kill(self) -> None:
        """Have it killed."""
        if self._child is not None:
            self._child.kill()

    def stop(self, timeout_s: float) -> None:
        """Wait until it is dead; after ``timeout_s`` it is killed."""
        if self._child is not None:
            self._child.stop(timeout_s)

    def skip(self) -> int:
        """After a crash: the row that is to blame; the next ``begin`` goes on behind it."""
        blamed = next(self.pending, self.last)
        self.done.add(blamed)
        self.first = blamed + self.step
        return blamed

    @property
    def is_left(self) -> bool:
        """Whether rows are still to be done."""
        return next(self.pending, None) is not None


def plain_words(packages: Sequence[str]) -> list[str]:
    """What starts the command that does without Blender."""
    named = [word for folder in packages for word in ("--packages", folder)]
    return [sys.executable, "-I", "-X", "utf8", str(COMMAND), *named]


def blender_words(file: Path) -> list[str]:
    """What starts the command in another Blender that has a file open."""
    if not bpy.app.binary_path:
        return [sys.executable, "-X", "utf8", "-c", _MODULE, str(file), PACKAGE, "batch"]
    online = [] if bpy.app.online_access else ["--offline-mode"]
    start = [bpy.app.binary_path, "--background", *online, str(file), "--addons", PACKAGE]
    return [*start, "--command", "facewright", "batch"]


def sweep(folders: Sequence[Path], pids: Sequence[int]) -> None:
    """Take away what killed programs have left half written."""
    for folder in folders:
        for pid in pids:
            for path in folder.glob(f".*.{pid}.part*"):
                with suppress(OSError):
                    os.unlink(path)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Long-running programs whose words are shown as they come, with a limit on their time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Dict, List, Optional, Tuple

from .console import say
from .places import ROOT


def watch(
    command: List[str],
    limit_s: float,
    environ: Optional[Dict[str, str]] = None,
    mark: str = "",
) -> Tuple[List[str], Optional[int]]:
    """Run a command, pass its lines on as they come; the exit code is None if it was stopped.

    ``mark`` stands before each line where several programs talk at once.
    """
    process = subprocess.Popen(
        command,
        cwd=str(ROOT),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=sys.platform != "win32",
    )
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit_s, stop)
    timer.start()
    lines = []
    for line in process.stdout or ():
        lines.append(line.rstrip("\n"))
        say(f"{mark}{lines[-1]}")
    code = process.wait()
    timer.cancel()
    return lines, None if stopped.is_set() else code

# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pip in a process that ends with the one that started it.

``python -I pip_run.py PIP_WHEEL WORDS...``: PIP_WHEEL "" is the installed pip. Standard input is
the life line: when it closes, for whatever reason, this process is gone at once.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading

GONE = 9


def _watch_life_line() -> None:
    while os.read(0, 1024):
        pass
    os._exit(GONE)


if __name__ == "__main__":
    threading.Thread(target=_watch_life_line, daemon=True).start()
    wheel, *words = sys.argv[1:]
    if wheel:
        sys.path.insert(0, wheel)
    sys.argv = ["pip", *words]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)

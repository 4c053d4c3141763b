# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether whoever started this process is still there: its standard input is the life line.

The starter holds the other end of that pipe and writes nothing into it. It closes it to end this
process in good order, and the system closes it when the starter dies. Looking takes no thread.
"""

from __future__ import annotations

import os
import sys

READ_BYTES = 4096


def is_cut(handle: int = 0) -> bool:
    """Whether the pipe of a file descriptor was closed at its other end. Does not wait.

    False for what is no pipe, such as a terminal, and where it cannot be told.
    """
    try:
        return _peeked(handle) if sys.platform == "win32" else _polled(handle)
    except (OSError, ValueError):
        return False


def _polled(handle: int) -> bool:
    import select
    import stat

    if not stat.S_ISFIFO(os.fstat(handle).st_mode):
        return False
    ready, _, _ = select.select([handle], [], [], 0)
    return bool(ready) and not os.read(handle, READ_BYTES)


def _peeked(handle: int) -> bool:
    """As Windows tells it: a pipe whose other end is closed cannot be peeked into any more."""
    import ctypes
    import importlib

    library = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009
    pipe = importlib.import_module("msvcrt").get_osfhandle(handle)
    peeked = library.PeekNamedPipe(ctypes.c_void_p(pipe), None, 0, None, None, None)
    broken = 109
    return not peeked and getattr(ctypes, "get_last_error")() == broken  # noqa: B009

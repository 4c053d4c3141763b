# SPDX-License-Identifier: GPL-3.0-or-later
"""The developer's one script: demo, test, build, bench, lint, train, gui. Try --help.

It needs only a Python of 3.8 or newer and makes all else for itself, in a cache outside the
checkout (FACEWRIGHT_CACHE, or ~/.cache/facewright).
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from devtools import commands  # noqa: E402 - its folder must be on the path first

if __name__ == "__main__":
    sys.exit(commands.main(sys.argv[1:]))

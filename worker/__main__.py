# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process: ``python -I -X utf8 worker/__main__.py``, see ``providers/process.py``."""

from __future__ import annotations

import importlib
import runpy
from pathlib import Path

if __name__ == "__main__":
    bootstrap = runpy.run_path(str(Path(__file__).with_name("bootstrap.py")))
    package = bootstrap["load_package"]()
    importlib.import_module(f"{package.__name__}.worker.session").serve()

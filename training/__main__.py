# SPDX-License-Identifier: GPL-3.0-or-later
"""``python training <stage>``: makes, checks and measures the model folder."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()
    from facewright.training.cli import main

    sys.exit(main(sys.argv[1:]))

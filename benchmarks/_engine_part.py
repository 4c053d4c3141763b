# SPDX-License-Identifier: GPL-3.0-or-later
"""One part of the benchmark ``engine``: ``_engine_part.py PART PLACE THREADS CORES DEVICE``.

Prints its figures as one line of JSON.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main(part: str, place: str, threads: str, cores: str, device: str) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    runpy.run_path(str(FOLDER.parent / "worker" / "bootstrap.py"))["load_package"]()
    sys.path.insert(0, str(FOLDER))
    if part == "worker":
        from _engine_worker import worker

        figures = worker(Path(place), int(threads))
    else:
        from _engine_models import PARTS

        figures = PARTS[part](Path(place), int(threads), device)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])

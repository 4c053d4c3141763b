# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty rounds of load and free in a process that does nothing else, and what each left behind.

``python free_rounds.py FOLDER LARGE SMALL VOICE``: while the model SMALL stays open, LARGE is
loaded, used and freed; without SMALL (""), everything is freed and the worker ends. Prints JSON:
"after", MB of both processes after each round, and "loaded", MB of the worker with the model.
"""

from __future__ import annotations

import gc
import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 20
LIMIT_S = 30.0


def memory(pid: int | str) -> float:
    """MB that a process holds for itself (its anonymous memory, not files it has mapped)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def run(worker: Any, job: str, **args: Any) -> Any:
    """Have the worker do a job and return what it answers."""
    ticket = worker.submit(job, args)
    end = time.monotonic() + LIMIT_S
    while not ticket.finished or (job == "free" and worker.busy):
        if time.monotonic() > end:
            raise SystemExit(f"{job} took longer than {LIMIT_S} s")
        worker.poll()
        time.sleep(0.002)
    if ticket.state != "done":
        raise SystemExit(ticket.error)
    return ticket.result


def main(folder: str, large: str, small: str, voice: str) -> None:
    runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()
    from facewright.providers.local import LocalWorker

    worker = LocalWorker(None, str(Path(folder) / "worker.log"), threads=1)
    after, loaded = [], 0.0
    try:
        if small:
            run(worker, "allocate", model=small, device="cpu")
        for _ in range(ROUNDS):
            run(worker, "allocate", model=large, device="cpu")
            made = {"voice": {"path": voice}, "fps": [30, 1], "workbench": "face"}
            run(worker, "animate", model=large, device="cpu", **made)
            loaded = memory(worker.pid)
            run(worker, "free", model=large if small else None)
            gc.collect()
            after.append(memory("self") + (memory(worker.pid) if worker.pid else 0.0))
    finally:
        worker.stop()
    print(json.dumps({"after": after, "loaded": loaded, "ended": worker.pid is None}))


if __name__ == "__main__":
    main(*sys.argv[1:])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a batch of Facewright's on a Dask cluster: chunks of rows, then a report.

    python tools/farm/dask_batch.py --scheduler tcp://farm:8786 --chunk 16 \
        --python /opt/blender/5.0/python/bin/python3.11 --batch /opt/facewright/worker/batch.py \
        -- --manifest /mnt/show/rows.jsonl --order /mnt/show/order.json --out /mnt/show/faces

What follows ``--`` are words of ``worker/batch.py``; all paths are those of the workers. Needs the
package distributed, here and on the workers, and nothing else of ours.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from distributed import Client, LocalCluster, as_completed

TRIES = 2  # of a chunk whose worker was lost


def run_rows(command: list[str], rows: str) -> list[str]:
    """On a worker: do some rows; the lines that tell of them. Raises RuntimeError."""
    words = [*command, "--no-fail", "--rows", rows]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"rows {rows}: {done.stderr.strip()}")
    return [line for line in done.stdout.splitlines() if line.startswith("{")]


def chunks(count: int, size: int) -> list[str]:
    """Ranges of rows, such as "0-15"."""
    return [f"{first}-{min(first + size, count) - 1}" for first in range(0, count, size)]


def count_rows(manifest: str) -> int:
    """Rows of a manifest: its lines that are not empty."""
    return sum(1 for line in Path(manifest).read_bytes().splitlines() if line.strip())


def main() -> int:
    """Run the command line; the exit code is that of the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--scheduler", help="address of the cluster; a local one without")
    parser.add_argument("--workers", type=int, default=2, help="of a local cluster")
    parser.add_argument("--chunk", type=int, default=16, help="rows of one task")
    parser.add_argument("--python", default=sys.executable, help="Python that runs the batch")
    parser.add_argument("--batch", required=True, help="path of worker/batch.py")
    parser.add_argument("words", nargs="+", help="after --: words of worker/batch.py")
    options = parser.parse_args()
    command = [options.python, options.batch, *options.words]
    rows = chunks(count_rows(manifest_of(options.words)), max(1, options.chunk))
    cluster = None
    if not options.scheduler:
        cluster = LocalCluster(
            n_workers=options.workers, threads_per_worker=1, dashboard_address=None
        )
    with Client(cluster or options.scheduler) as client:
        tasks = client.map(lambda one: run_rows(command, one), rows, retries=TRIES, pure=False)
        for task, lines in as_completed(tasks, with_results=True, raise_errors=False):
            if task.status != "finished":
                print(f"Error: {task.exception()}", file=sys.stderr)
                continue
            for line in lines:
                print(line, flush=True)
    if cluster is not None:
        cluster.close()
    return subprocess.call([options.python, options.batch, "report", *options.words])


def manifest_of(words: list[str]) -> str:
    """The manifest that the batch's own words name."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--manifest", required=True)
    return str(parser.parse_known_args(words)[0].manifest)


if __name__ == "__main__":
    sys.exit(main())

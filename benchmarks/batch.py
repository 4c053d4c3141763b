# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches with the built-in model: rows per minute, what a second process gains, memory over rows.

One and two single-threaded processes do the same rows in turn, several times, so that a load that
changes meets both; each figure is the median of those turns. The ratio counts whole runs with their
start; "steady" leaves the start and the opening of the model out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
ROWS = 64
SPEECH_S = 6.0  # of each row, a usual line
TURNS = 3
WARM = 8  # rows after which a process has opened all that it will
RATE = 16_000


@dataclass(frozen=True)
class Turn:
    """One run: seconds in all, seconds and rows after ``WARM`` rows, memory of one process then and
    at the end, in bytes."""

    seconds: float
    steady_s: float
    steady_rows: int
    memory: tuple[int, int]


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_voices(folder / "voices")
        turns: dict[int, list[Turn]] = {1: [], 2: []}
        for number in range(TURNS):
            for jobs in (1, 2):
                out = folder / f"out-{number}-{jobs}"
                turns[jobs].append(_run(folder / "voices", out, jobs))
        began = time.perf_counter()
        _run(folder / "voices", folder / "out-0-1", 2)
        skipping_s = time.perf_counter() - began
    one, two = turns[1], turns[2]
    return {
        "speech_of_a_row_s": SPEECH_S,
        "rows_count": float(ROWS),
        "cores_count": float(len(os.sched_getaffinity(0))),
        "one_process_rows_per_minute_count": 60 * ROWS / _middle(t.seconds for t in one),
        "two_processes_rows_per_minute_count": 60 * ROWS / _middle(t.seconds for t in two),
        "two_over_one_x": _middle(a.seconds / b.seconds for a, b in zip(one, two, strict=True)),
        "two_over_one_steady_x": _middle(
            (b.steady_rows / b.steady_s) / (a.steady_rows / a.steady_s)
            for a, b in zip(one, two, strict=True)
        ),
        "up_to_date_rows_s": skipping_s,
        "memory_of_a_process_mb": one[-1].memory[1] / 1e6,
        "memory_grown_over_rows_mb": max(t.memory[1] - t.memory[0] for t in one) / 1e6,
    }


def _middle(values: Any) -> float:
    return float(statistics.median(values))


def _write_voices(folder: Path) -> None:
    """Lines of the sample voice, each from another place of it."""
    import soundfile

    folder.mkdir()
    samples, rate = soundfile.read(ROOT / "assets" / "sample_voice.flac", dtype="int16")
    length = int(SPEECH_S * rate)
    for number in range(ROWS):
        line = np.resize(np.roll(samples, -number * rate // 7), length)
        soundfile.write(folder / f"line {number}.wav", line, rate)


def _run(voices: Path, out: Path, jobs: int) -> Turn:
    words = [
        sys.executable, str(ROOT / "worker" / "batch.py"), "--folder", str(voices), "--out",
        str(out), "--jobs", str(jobs), "--threads", "1", "--device", "cpu",
    ]  # fmt: skip
    began = time.perf_counter()
    told: list[float] = []
    memory: list[int] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"{"):
                assert json.loads(line)["state"] in ("done", "skipped"), line
                told.append(time.perf_counter())
                memory.append(_memory_of_a_child(process.pid))
    seconds = time.perf_counter() - began
    assert process.returncode == 0
    assert len(told) == ROWS
    known = [size for size in memory if size]
    return Turn(
        seconds,
        told[-1] - told[WARM - 1],
        ROWS - WARM,
        (known[min(WARM, len(known) - 1)], known[-1]),
    )


def _memory_of_a_child(pid: int) -> int:
    """Resident bytes of the first process that a batch has started; 0 when it has just ended."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
        child = text.split()[0]
        pages = int(Path(f"/proc/{child}/statm").read_text("ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")

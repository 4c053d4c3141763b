# SPDX-License-Identifier: GPL-3.0-or-later
"""The part ``worker`` of the benchmark ``engine``: a real worker behind a real link."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from facewright.providers.local import LocalWorker

VERTICES = 61_520
ENTRY = Path(__file__).resolve().parent.parent / "tests" / "worker" / "entry.py"
STARTS, ROUNDS, WARM = 5, 300, 20
LIMIT_S = 60.0


def worker(folder: Path, threads: int) -> dict[str, float]:
    """Start to hello, and a frame of vertices there and back, 0.7 MB each way."""
    starts = []
    for _ in range(STARTS):
        began = time.perf_counter()
        one = _started(folder, threads)
        starts.append(time.perf_counter() - began)
        one.stop()
    one = _started(folder, threads)
    frame = np.random.default_rng(0).standard_normal((VERTICES, 3), np.float32)
    there_and_back, back = [], []
    try:
        for _ in range(ROUNDS + WARM):
            there_and_back.append(_round(one, "echo", {}, {"frame": frame}))
            back.append(_round(one, "give", {"n": VERTICES}, {}))
    finally:
        one.stop()
    return {
        "start_s": float(np.median(starts)),
        **_quantiles("round_trip", there_and_back[WARM:]),
        **_quantiles("frame_back", back[WARM:]),
    }


def _quantiles(name: str, seconds: list[float]) -> dict[str, float]:
    p50, p95 = 1000 * np.quantile(seconds, (0.5, 0.95))
    return {f"{name}_p50_ms": float(p50), f"{name}_p95_ms": float(p95)}


def _started(folder: Path, threads: int) -> LocalWorker:
    one = LocalWorker(None, str(folder / "worker.log"), threads=threads, entry=ENTRY)
    one.start()
    _until(one, lambda: one.ready or bool(one.problem))
    assert not one.problem, one.problem
    return one


def _round(one: LocalWorker, job: str, args: dict, arrays: dict[str, np.ndarray]) -> float:
    began = time.perf_counter()
    ticket = one.submit(job, args, arrays)
    _until(one, lambda: ticket.finished)
    seconds = time.perf_counter() - began
    assert ticket.state == "done", ticket.error
    assert next(iter(ticket.arrays.values())).shape == (VERTICES, 3)
    return seconds


def _until(one: LocalWorker, done: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < end, "The worker did not answer in time."
        one.poll()
        time.sleep(0.0002)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The microphone, from a file in real time: from a sample to its frame in Blender's process.

The built-in model at 60 frames per second follows the sample voice through a real worker, which is
asked as Blender asks it: at each tick of a timer of 60 or of 240 per second. A frame's delay counts
from the moment at which the last sample that its network needs was spoken, so the network's own
look-ahead (``ahead_ms``) is no part of it; the device's block of 10 ms and the waiting for the next
tick are. ``made`` is the worker's part of it: until the frame is there to be fetched.

Measured on two cores, alone and with a long voice being animated by the same worker meanwhile.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from facewright.providers.local import LocalWorker

CHECKOUT = Path(__file__).resolve().parent.parent
VOICE = CHECKOUT / "assets" / "sample_voice.flac"
FPS = Fraction(60)
RATE = 48_000
SPOKEN_S, WARM_S = 10.0, 1.0
LIMIT_S = 60.0
BEAT = 1.017  # ticks in step with the frames would always meet them at the same age
THREADS = 2


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:THREADS]))
    with tempfile.TemporaryDirectory() as folder:
        voice = _voice(Path(folder))
        os.environ["FACEWRIGHT_MICROPHONE"] = str(voice)
        worker = LocalWorker(None, str(Path(folder) / "worker.log"), threads=THREADS)
        try:
            figures = {
                **_follow(worker, "ticks_60", 60, None),
                **_follow(worker, "ticks_240", 240, None),
                **_follow(worker, "busy_ticks_60", 60, voice),
            }
        finally:
            worker.stop()
    return figures


def _voice(folder: Path) -> Path:
    """The sample voice as a microphone of 48 kHz gives it, and silence for the ends."""
    import soundfile
    from scipy.signal import resample_poly

    samples, rate = soundfile.read(VOICE, dtype="float32")
    samples = np.resize(resample_poly(samples, RATE, rate), round(RATE * (SPOKEN_S + 2)))
    path = folder / "microphone.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def _follow(worker: LocalWorker, name: str, ticks: int, busy: Path | None) -> dict[str, float]:
    """Let the face follow for some seconds, with ``ticks`` per second; figures of its delay."""
    long = _animate_long(worker, busy) if busy else None
    face = {"model": str(CHECKOUT / "models" / "facewright"), "low_delay": True}
    opened = _done(
        worker, "live_open", drive=True, record=True, fps=[int(FPS), 1], device="cpu", **face
    )
    delays, made, state = _watch(worker, ticks)
    _done(worker, "live_close", discard=True)
    if long is not None:
        assert not long.finished, "The other job ended before the measurement did."
        worker.cancel(long)
        _until(worker, lambda: long.finished)
    assert (state["dropped"], state["overflows"], state["drives"]) == (0, 0, True), state
    figures = {
        **_quantiles(f"{name}_frame", delays),
        **_quantiles(f"{name}_made", made),
        f"{name}_network_ms": float(state["network_ms_per_frame"]),
    }
    return figures | {"ahead_ms": float(opened["ahead_ms"])}


def _watch(worker: LocalWorker, ticks: int) -> tuple[list[float], list[float], dict[str, Any]]:
    """Milliseconds from sample to frame, those until it was made, and the last state."""
    delays: list[float] = []
    made: list[float] = []
    ticket = worker.submit("live_read", {"session": "one"})
    began = due = time.monotonic()
    while True:
        due += BEAT / ticks
        time.sleep(max(due - time.monotonic(), 0))
        worker.poll()
        if not ticket.finished:
            continue
        now, state = time.monotonic(), ticket.result
        assert ticket.state == "done", ticket.error
        count = len(ticket.arrays["weights"])
        if count and now - began > WARM_S:
            frames = state["first_frame"] + np.arange(count)
            spoken = state["began_s"] + frames / float(FPS) + state["ahead_ms"] / 1000
            delays.extend(1000 * (now - spoken))
            made.append(state["delay_ms"])
        if now - began > SPOKEN_S:
            return delays, made, state
        ticket = worker.submit("live_read", {"session": "one"})


def _animate_long(worker: LocalWorker, voice: Path) -> Any:
    """A job that takes longer than the measurement: every frame of the voice by itself."""
    face = {"model": str(CHECKOUT / "models" / "facewright"), "low_delay": True}
    args = {"voice": {"path": str(voice)}, "fps": [1000, 1], "device": "cpu", **face}
    ticket = worker.submit("animate", args)
    _until(worker, lambda: ticket.progress > 0.06)
    return ticket


def _quantiles(name: str, ms: list[float]) -> dict[str, float]:
    p50, p95 = np.quantile(ms, (0.5, 0.95))
    return {f"{name}_p50_ms": float(p50), f"{name}_p95_ms": float(p95)}


def _done(worker: LocalWorker, job: str, **args: Any) -> dict[str, Any]:
    ticket = worker.submit(job, {"session": "one", **args})
    _until(worker, lambda: ticket.finished)
    assert ticket.state == "done", ticket.error
    return ticket.result


def _until(worker: LocalWorker, done: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < end, "The worker did not answer in time."
        worker.poll()
        time.sleep(0.001)

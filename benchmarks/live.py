# SPDX-License-Identifier: GPL-3.0-or-later
"""The microphone, from a file in real time: from a sample to its frame on the template head.

The built-in model at 60 frames per second follows the sample voice as the extension does it, whose
zip is installed. A frame's delay counts from the moment at which the last sample that its network
needs was spoken, so the network's own look-ahead (``ahead_ms``) is no part of it; the device's
block of 10 ms and the waiting for the next tick are.

``vertices``: until Blender has the head's vertices, which is after live mode's task has shown the
frame and the scene was evaluated; the task runs 120 times per second, as in a window.
``vertices_step`` is the time that such a step takes Blender, with the evaluation.
``frame``: until a frame is there for a script that asks the worker itself at each of 60 or of 240
ticks per second. ``made`` is the worker's part: until the frame is there to be fetched.

Measured on two cores, alone and with a long voice being animated by the same worker meanwhile.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from facewright.providers.local import LocalWorker

ENVIRONMENT = "bpy45"
NAME = "bl_ext.user_default.facewright"
CHECKOUT = Path(__file__).resolve().parent.parent
VOICE = CHECKOUT / "assets" / "sample_voice.flac"
FPS = Fraction(60)
RATE = 48_000
SPOKEN_S, WARM_S = 10.0, 1.0
LIMIT_S = 60.0
BEAT = 1.017  # ticks in step with the frames would always meet them at the same age
THREADS = 2
MAKE_VOICE = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy, scipy.signal, soundfile
samples, rate = soundfile.read(sys.argv[2], dtype="float32")
wanted = int(sys.argv[4])
samples = scipy.signal.resample_poly(samples, wanted, rate)
samples = numpy.resize(samples, round(wanted * float(sys.argv[5])))
soundfile.write(sys.argv[3], samples, wanted, subtype="FLOAT")
"""


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:THREADS]))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        import bpy

        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.extensions.package_install_files(
            filepath=os.environ["FACEWRIGHT_ZIP"], repo="user_default", enable_on_install=True
        )
        voice = _voice(Path(folder))
        os.environ["FACEWRIGHT_MICROPHONE"] = str(voice)
        worker = _part("operators.worker_host").worker("cpu", THREADS)
        try:
            figures = {
                **_vertices(bpy),
                **_follow(worker, "ticks_60", 60, None),
                **_follow(worker, "ticks_240", 240, None),
                **_follow(worker, "busy_ticks_60", 60, voice),
            }
        finally:
            worker.stop()
    return figures


def _part(name: str) -> Any:
    return importlib.import_module(f"{NAME}.{name}")


def _voice(folder: Path) -> Path:
    """The sample voice as a microphone of 48 kHz gives it, longer than it is listened to."""
    path = folder / "microphone.wav"
    site = str(_part("providers.wheels").find_site_folder())
    words = [sys.executable, "-c", MAKE_VOICE, site, str(VOICE), str(path), str(RATE)]
    subprocess.run([*words, str(SPOKEN_S + 3)], check=True)
    return path


def _vertices(bpy: Any) -> dict[str, float]:
    """Live mode on the template head: delays until its vertices are there."""
    bpy.ops.facewright.add_pipeline(character="HEAD")
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = int(FPS), 1.0
    _part("properties.library").preferences().device = "cpu"
    skin = scene.facewright.characters[0].skin
    recorder, pump = _part("operators.listening").RECORDER, _part("operators.pump")
    bpy.ops.facewright.live()
    delays: list[float] = []
    steps: list[float] = []
    forms: list[float] = []
    due, shown = time.monotonic(), -1.0
    end = due + LIMIT_S
    while _heard_s(recorder) < SPOKEN_S:
        assert due < end, recorder.problem
        due = max(due + BEAT * pump.QUICK_S, time.monotonic())
        time.sleep(max(due - time.monotonic(), 0))
        began = time.monotonic()
        pump.pump()
        session = recorder.running.first
        if session.frame_s == shown or not session.state.get("frames"):
            continue
        shown = session.frame_s
        bpy.context.view_layer.update()
        if _heard_s(recorder) > WARM_S:
            delays.append(session.lateness_ms())
            steps.append(1000 * (time.monotonic() - began))
            forms.append(_form(bpy, skin))
    state = recorder.running.first.state
    assert (state["dropped"], state["overflows"], state["drives"]) == (0, 0, True), state
    assert np.ptp(forms) > 0, "the vertices did not move"
    bpy.ops.facewright.recorder_discard()
    while recorder.running is not None:
        pump.pump()
        time.sleep(0.002)
    figures = {**_quantiles("vertices", delays), **_quantiles("vertices_step", steps)}
    return {**figures, "vertices_shown_count": float(len(delays))}


def _heard_s(recorder: Any) -> float:
    return float(recorder.running.first.state.get("captured_s", 0.0))


def _form(bpy: Any, skin: Any) -> float:
    """A number that changes with every vertex that Blender has evaluated."""
    mesh = skin.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    return float(np.abs(places.astype(np.float64)).sum())


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

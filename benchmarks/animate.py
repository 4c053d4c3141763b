# SPDX-License-Identifier: GPL-3.0-or-later
"""A minute of speech on the template head, as installed from the zip: where the time goes.

Measured on one core and on two: loading the model, the network, post-processing, solving, writing
keyframes, the whole, the memory at its peak, and how many times faster than real time. Every run
has a fresh worker, so that "load" is what a user's first animation pays.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import time
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

ENVIRONMENT = "bpy45"
SPEECH_S = 60.0
FPS = Fraction(60)
STAGES = {"load": "model", "voice": "voice", "network": "network", "postprocess": "postprocess"}
NAME = "bl_ext.user_default.facewright"


def measure() -> dict[str, float]:
    """Figures by name, each with its unit at the end."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        import bpy

        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        began = time.perf_counter()
        bpy.ops.extensions.package_install_files(
            filepath=os.environ["FACEWRIGHT_ZIP"], repo="user_default", enable_on_install=True
        )
        figures = {"install_and_enable_s": time.perf_counter() - began}
        figures.update(_registration())
        voice = Path(folder) / "minute.wav"
        write_speech(voice, SPEECH_S)
        cores = sorted(os.sched_getaffinity(0))
        for count in (1, 2):
            if count > len(cores):
                break
            os.sched_setaffinity(0, set(cores[:count]))
            measured = _one_run(voice, Path(folder), count)
            word = "one_core" if count == 1 else "two_cores"
            figures.update({f"{word}_{key}": value for key, value in measured.items()})
        return figures


def _registration() -> dict[str, float]:
    """Seconds that our own unregister and register take, apart from Blender's unpacking."""
    extension = sys.modules[NAME]
    extension.unregister()
    began = time.perf_counter()
    extension.register()
    return {"register_ms": 1000 * (time.perf_counter() - began)}


def _part(name: str) -> Any:
    return importlib.import_module(f"{NAME}.{name}")


def write_speech(path: Path, seconds: float) -> None:
    """The sample voice, again and again for some seconds."""
    code = (
        "import sys, numpy as np\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import soundfile\n"
        "samples, rate = soundfile.read(sys.argv[2], dtype='int16')\n"
        "samples = np.resize(samples, int(rate * float(sys.argv[4])))\n"
        "soundfile.write(sys.argv[3], samples, rate)\n"
    )
    site = str(_part("providers.wheels").find_site_folder())
    sample = str(_part("scene.places").SAMPLE_VOICE)
    words = [sys.executable, "-c", code, site, sample, str(path), str(seconds)]
    subprocess.run(words, check=True, timeout=60)
    with wave.open(str(path)) as file:
        assert abs(file.getnframes() / file.getframerate() - seconds) < 0.01


def _one_run(voice: Path, folder: Path, threads: int) -> dict[str, float]:
    """One animation from a cold worker to keyframes."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = int(FPS), 1.0
    head = _part("scene.template_head").add_template_head(scene.collection)
    worker = _part("providers.local").LocalWorker(
        _part("providers.wheels").find_site_folder(), str(folder / "worker.log"), threads=threads
    )
    began = time.perf_counter()
    worker.start()
    _until(worker, lambda: bool(worker.hello) or bool(worker.problem))
    start_s = time.perf_counter() - began
    try:
        began = time.perf_counter()
        ticket = worker.submit("animate", _job(voice), {})
        _until(worker, lambda: ticket.finished)
        job_s = time.perf_counter() - began
        assert ticket.state == "done", ticket.error
        keys_s = _write_keys(ticket, head.skin, scene)
        peak = {
            "peak_blender_mb": _peak_mb(os.getpid()),
            "peak_worker_mb": _peak_mb(int(worker.hello["pid"])),
        }
    finally:
        worker.stop()
    timings = ticket.result["timings"]
    total_s = job_s + keys_s
    stages = {f"{name}_s": float(timings[key]) for name, key in STAGES.items()}
    return {
        "worker_start_s": start_s,
        **stages,
        "solve_s": float(timings["solve"]),
        "keyframes_s": keys_s,
        "total_s": total_s,
        "real_time_x": SPEECH_S / total_s,
        **peak,
    }


def _job(voice: Path) -> dict[str, Any]:
    return {
        "voice": {"name": voice.name, "path": str(voice)},
        "model": str(_part("scene.places").model_folder("")),
        "fps": [FPS.numerator, FPS.denominator],
        "settings": {},
    }


def _until(worker: Any, done: Any, limit_s: float = 300.0) -> None:
    end = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > end:
            raise SystemExit("The worker did not answer in time.")
        worker.poll()
        time.sleep(0.005)


def _write_keys(ticket: Any, skin: Any, scene: Any) -> float:
    """Seconds for all keyframes."""
    face = _part("operators.animation_job").face_track(ticket)
    character = _part("scene.characters").find_character(skin, face.names)
    actions = _part("scene.actions")
    label = actions.TakeLabel("benchmark", "", "minute", "")
    began = time.perf_counter()
    actions.write_take(character, face, scene, 1.0, label)
    return time.perf_counter() - began


def _peak_mb(pid: int) -> float:
    """The largest resident size of a process so far, where the system tells (Linux)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return float(np.nan)
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

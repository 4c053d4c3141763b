# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a model folder by themselves: how fast they are, how far they hear ahead."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..network import RATE, WINDOW

LIVE_KEY = "liveNetworkPath"
CLIP_S = 10
REPEATS = 15


def index(folder: Path) -> dict[str, Any]:
    """The file ``model.json`` of a folder."""
    told: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
    return told


def live_folder(folder: Path, target: Path) -> Path | None:
    """A copy in ``target`` whose only network is the live one; None where there is none."""
    told = index(folder)
    if LIVE_KEY not in told:
        return None
    shutil.copytree(folder, target, dirs_exist_ok=True)
    told["networkPath"] = told.pop(LIVE_KEY)
    told.pop("clipNetworkPath", None)
    (target / "model.json").write_text(json.dumps(told), encoding="utf-8")
    info = _info(target)
    info["audio_params"]["buffer_ofs"] = info["audio_params"].pop("live_buffer_ofs")
    (target / told["networkInfoPath"]).write_text(json.dumps(info), encoding="utf-8")
    return target


def _info(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        (folder / index(folder)["networkInfoPath"]).read_text("utf-8")
    )
    return told


def look_ahead_s(folder: Path) -> float:
    """How far beyond its frame's time a folder's windowed network listens, in steps of 10 ms."""
    session = _session(folder / index(folder)["networkPath"])
    frame = _info(folder)["audio_params"]["buffer_ofs"]
    emotion = _emotion(session, (1, 1))
    rng = np.random.default_rng(0)
    window = 0.1 * rng.standard_normal((1, 1, WINDOW)).astype(np.float32)
    first = session.run(None, {"input": window, "emotion": emotion})[0]
    for step in range(0, WINDOW - frame, RATE // 100)[::-1]:
        changed = window.copy()
        changed[..., frame + step :] *= -0.5
        if (
            np.abs(session.run(None, {"input": changed, "emotion": emotion})[0] - first).max()
            > 1e-5
        ):
            return min(step + RATE // 100, WINDOW - frame) / RATE
    return 0.0


def speed(folder: Path) -> dict[str, float]:
    """Milliseconds per live frame and times real time over a clip, on one core.

    ``calibration ms`` is what a fixed transform takes on the same core at the same time.
    """
    told = index(folder)
    rng = np.random.default_rng(0)
    frame = _session(folder / told.get(LIVE_KEY, told["networkPath"]))
    window = 0.1 * rng.standard_normal((1, 1, WINDOW)).astype(np.float32)
    inputs = {"input": window, "emotion": _emotion(frame, (1, 1))}
    figures = {"one frame ms": 1000 * _median(lambda: frame.run(None, inputs))}
    if "clipNetworkPath" in told:
        clip = _session(folder / told["clipNetworkPath"])
        samples = 0.1 * rng.standard_normal((1, 1, CLIP_S * RATE)).astype(np.float32)
        frames = (samples.shape[2] - WINDOW) // 320 + 1
        whole = {"input": samples, "emotion": _emotion(clip, (1, frames))}
        figures["clip times real time"] = CLIP_S / _median(lambda: clip.run(None, whole))
    noise = rng.standard_normal(1 << 18)
    figures["calibration ms"] = 1000 * _median(lambda: np.fft.rfft(noise))
    return figures


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _emotion(session: Any, shape: tuple[int, int]) -> np.ndarray:
    (width,) = (each.shape[-1] for each in session.get_inputs() if each.name == "emotion")
    return np.zeros((*shape, width), np.float32)


def _median(work: Callable[[], Any]) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)

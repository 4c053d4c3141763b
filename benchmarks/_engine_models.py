# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the benchmark ``engine`` that are about models."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _engine_faces import cheap, long, one_by_one, solve_only
from facewright.core.emotion.track import constant
from facewright.core.face.stages import prepare_face
from facewright.core.models.model import Model, load_model, settings_for
from facewright.core.motion import Motion, shapes_of
from facewright.core.network import regression, whole_clip
from facewright.core.network.devices import OpenNetwork
from facewright.core.network.listening import listen, open_session
from facewright.core.network.running import Meter
from facewright.core.parameters import Settings
from facewright.core.solve.pose_table import RigOverrides
from facewright.core.voice.audio import Clip, Voice, read_voice
from facewright.core.windows import plan_windows
from facewright.worker.lanes import lanes

CHECKOUT = Path(__file__).resolve().parent.parent
SPEECH_S, STAND_IN_S, DIFFUSION_S = 60, 10, 10
RATES = (30, 60)
ALLOWED = 1e-3  # of the range, between two processors
ROUNDS = 3


def builtin(folder: Path, threads: int, device: str) -> dict[str, float]:
    """The extension's own model: window by window, whole clips, and all stages after it."""
    model, opened, figures = _opened(folder, threads, device)
    settings = settings_for(model, {})
    for rate in RATES:
        windows, rows = _timed(partial(_windowed, opened, model, settings, rate, SPEECH_S))
        figures.update(_speed(f"windowed_{rate}", rate, len(rows), windows))
        whole, slid = _timed(partial(_slid, opened, model, settings, rate))
        figures.update(_speed(f"clip_{rate}", rate, len(slid), whole))
        apart = _apart(slid[: len(rows) - rate], rows[: len(rows) - rate])
        figures[f"clip_{rate}_from_windows_percent"] = 100 * apart
        assert apart < ALLOWED, f"a whole clip differs from its windows by {apart}"
    motion = regression.split_result(model, slid, Fraction(RATES[-1]))
    figures.update(_after_the_network(model, motion, settings))
    figures["peak_mb"] = _peak_mb()
    figures.update(_against_cpu(opened, model, settings, rows, device))
    return figures


def regression_stand_in(folder: Path, threads: int, device: str) -> dict[str, float]:
    """272 coefficients on 61,520 vertices: the short way against the long one."""
    model, opened, figures = _opened(folder, threads, device)
    settings = settings_for(model, {})
    seconds, rows = _timed(lambda: _windowed(opened, model, settings, 60, STAND_IN_S))
    figures.update(_speed("network", 60, len(rows), seconds))
    motion = regression.split_result(model, _busy(rows), Fraction(60))
    figures.update(_after_the_network(model, motion, settings))
    figures["peak_mb"] = _peak_mb()
    figures.update(_long_way(model, motion, settings, figures["cheap_us"]))
    figures.update(_against_cpu(opened, model, settings, rows, device))
    return figures


def diffusion_stand_in(folder: Path, threads: int, device: str) -> dict[str, float]:
    """88,831 channels: the network, finding its few shapes, and all stages after that."""
    model, opened, figures = _opened(folder, threads, device)
    settings = settings_for(model, {})
    meter = Meter()
    track = constant(settings.emotion(model.info.emotions))
    began = time.perf_counter()
    motion = listen(opened, model, _speech(DIFFUSION_S), Fraction(60), track, settings, meter=meter)
    seconds = time.perf_counter() - began
    figures.update(_speed("network", float(motion.fps), motion.frame_count, meter.seconds))
    figures["compact_us"] = 1e6 * (seconds - meter.seconds) / motion.frame_count
    figures["compact_shapes_count"] = float(motion.skin.shape[1])
    figures.update(_after_the_network(model, motion, settings))
    figures["peak_mb"] = _peak_mb()
    figures.update(_long_way(model, motion, settings, figures["cheap_us"]))
    if device != "cpu" and opened.device == device:
        plain = open_session(model, threads)
        there = listen(plain, model, _speech(DIFFUSION_S), Fraction(60), track, settings)
        few = slice(0, motion.frame_count, 15)
        figures.update(_compared(_vertices(motion, few), _vertices(there, few), device))
    return figures


PARTS: dict[str, Callable[[Path, int, str], dict[str, float]]] = {
    "builtin": builtin,
    "regression": regression_stand_in,
    "diffusion": diffusion_stand_in,
}


def _opened(folder: Path, threads: int, device: str) -> tuple[Model, OpenNetwork, dict[str, float]]:
    began = time.perf_counter()
    model = load_model(folder)
    read_s = time.perf_counter() - began
    began = time.perf_counter()
    opened = open_session(model, threads, device, spread=lanes(threads))
    figures = {"read_s": read_s, "open_s": time.perf_counter() - began}
    if opened.device != device:
        sys.stderr.write("\n".join(opened.notices) + "\n")
        figures[f"{device}_missing_count"] = 1.0
    return model, opened, figures


def _speech(seconds: float) -> Clip:
    """The sample voice, again and again for so long."""
    clip = read_voice(Voice(path=str(CHECKOUT / "assets" / "sample_voice.flac")))
    return replace(clip, samples=np.resize(clip.samples, int(16_000 * seconds)))


def _windowed(
    opened: OpenNetwork, model: Model, settings: Settings, rate: int, seconds: float
) -> np.ndarray:
    return _run(regression.windowed, opened, model, settings, rate, seconds)


def _slid(opened: OpenNetwork, model: Model, settings: Settings, rate: int) -> np.ndarray:
    return _run(whole_clip.slid, opened, model, settings, rate, SPEECH_S)


def _run(
    way: Any, opened: OpenNetwork, model: Model, settings: Settings, rate: int, seconds: float
) -> np.ndarray:
    info, samples = model.info, _speech(seconds).samples
    plan = plan_windows(len(samples), Fraction(rate), info.window_length, info.target_offset)
    track = constant(settings.emotion(info.emotions))
    emotions = regression.emotion_rows(model, plan.targets, track, settings)
    rows: np.ndarray = way(opened, model, samples, plan, emotions, 1.0, Meter())
    return rows


def _timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Median seconds of a few rounds after a first one, and the result."""
    result, times = work(), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return float(np.median(times)), result


def _speed(name: str, rate: float, frames: int, seconds: float) -> dict[str, float]:
    return {
        f"{name}_hz": frames / seconds,
        f"{name}_us": 1e6 * seconds / frames,
        f"{name}_real_time_x": frames / rate / seconds,
    }


def _busy(rows: np.ndarray) -> np.ndarray:
    """The stand-in's results with every coefficient moving, as a real network's do."""
    rng = np.random.default_rng(5)
    smooth = np.cumsum(rng.standard_normal(rows.shape, np.float32), axis=0) / 30
    result: np.ndarray = (rows + smooth).astype(np.float32)
    return result


def _after_the_network(model: Model, motion: Motion, settings: Settings) -> dict[str, float]:
    began = time.perf_counter()
    prepared = prepare_face(model, shapes_of(model, motion), settings, RigOverrides())
    figures = {"prepare_s": time.perf_counter() - began}
    figures.update(one_by_one(prepared, motion))
    figures["solve_51_poses_us"] = solve_only(prepared, motion.frame_count)
    figures["cheap_us"] = cheap(prepared, motion)
    return figures


def _long_way(
    model: Model, motion: Motion, settings: Settings, cheap_us: float
) -> dict[str, float]:
    began = time.perf_counter()
    prepared = prepare_face(model, shapes_of(model, motion), settings, RigOverrides())
    assert time.perf_counter() > began
    long_us, apart = long(prepared, motion)
    assert apart < 1e-4, f"the two ways give weights {apart} apart"
    return {"long_us": long_us, "long_over_cheap_x": long_us / cheap_us, "long_peak_mb": _peak_mb()}


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference as a share of the range."""
    return float(np.abs(one - other).max() / max(np.ptp(other), 1e-12))


def _vertices(motion: Motion, frames: slice) -> np.ndarray:
    assert motion.shapes is not None
    moves = motion.shapes.skin.reshape(len(motion.shapes.skin), -1)
    result: np.ndarray = motion.skin[frames] @ moves
    return result


def _against_cpu(
    opened: OpenNetwork, model: Model, settings: Settings, rows: np.ndarray, device: str
) -> dict[str, float]:
    if device == "cpu" or opened.device != device:
        return {}
    here = _windowed(open_session(model), model, settings, 60, len(rows) / 60)
    return _compared(rows, here, device)


def _compared(there: np.ndarray, here: np.ndarray, device: str) -> dict[str, float]:
    apart = _apart(there, here)
    assert apart < ALLOWED, f"{device} differs from the CPU by {apart} of the range"
    return {f"{device}_from_cpu_percent": 100 * apart}


def _peak_mb() -> float:
    """The largest resident size of this process so far, where the system tells."""
    try:
        import resource
    except ImportError:
        return float("nan")
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1 << 20 if sys.platform == "darwin" else 1 << 10)

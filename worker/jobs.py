# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixed table of what a worker can do. Arguments are JSON and arrays, and so are results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import UserError
from . import arguments
from .kept_model import KeptModel
from .messages import Arrays, Fields

if TYPE_CHECKING:
    from ..core.audio import Voice

Reply = tuple[Fields, Arrays]


@dataclass(frozen=True)
class Call:
    """What a job is given. ``progress(fraction, stage)`` may be called as often as one likes."""

    args: Fields
    arrays: Arrays
    progress: Callable[[float, str], None]
    cancelled: Callable[[], bool]
    threads: int


@dataclass(frozen=True)
class Job:
    """A function of the table and the packages without which it is not begun."""

    run: Callable[[Call], Reply]
    needs: tuple[str, ...] = ()


def _voice(call: Call) -> Voice:
    """Make the voice of {path | name, start_s, end_s, channel} and the array "voice_bytes"."""
    from ..core.audio import Voice

    where = "voice"
    args = arguments.table(call.args, where, "the job")
    arguments.only(args, ("path", "name", "start_s", "end_s", "channel"), where)
    path = arguments.full_path(args, "path", where)
    block = call.arrays.get("voice_bytes")
    if (path is None) == (block is None):
        raise UserError("The voice needs either a file or its bytes.")
    if block is not None and block.dtype != np.uint8:
        raise UserError("The bytes of the voice are not an array of uint8.")
    name = arguments.text(args, "name", where) or Path(path or "voice").name
    return Voice(
        path=path,
        data=None if block is None else block.tobytes(),
        name=name,
        start_s=arguments.number(args, "start_s", where) or 0.0,
        end_s=arguments.number(args, "end_s", where),
        channel=arguments.whole(args, "channel", where),
    )


def probe(call: Call) -> Reply:
    """{voice} -> {rate, channels, duration_s, sha256}, array "envelope" (n, 2) minimum/maximum."""
    from ..core.audio import probe_voice

    arguments.only(call.args, ("voice",), "probe")
    info = probe_voice(_voice(call))
    result: Fields = {
        "rate": int(info.rate),
        "channels": int(info.channels),
        "duration_s": float(info.duration_s),
        "sha256": info.sha256,
    }
    return result, {"envelope": info.envelope}


def animate(kept: KeptModel, call: Call) -> Reply:
    """Animate a face from a voice; the take is also written to "take_path" when that is given.

    {voice, model, fps: [n, d], settings, take_path} -> {names, fps, duration_s, notices, voice,
    model, settings, timings}, arrays "weights" (T, P), "jaw" (T, 4, 4), "eyes" (T, 2, 2)
    as in ``core.face_track.FaceTrack``.
    """
    from ..core import pipeline

    where = "animate"
    arguments.only(call.args, ("voice", "model", "fps", "settings", "take_path"), where)
    model = arguments.full_path(call.args, "model", where)
    if model is None:
        raise UserError("No model was chosen.")
    take_path = arguments.full_path(call.args, "take_path", where)
    voice = _voice(call)
    fps = arguments.frame_rate(call.args, "fps", where)
    settings = arguments.table(call.args, "settings", where)
    call.progress(0.0, "Opening the model")
    started = time.perf_counter()
    loaded = kept.open(model, call.threads)
    opening_s = time.perf_counter() - started
    take = pipeline.animate(
        voice, model, fps, settings, call.progress, call.cancelled, call.threads, loaded
    )
    if take_path is not None:
        from ..core.take_file import write_take

        write_take(take_path, take)
    face = take.face
    timings = {stage: float(seconds) for stage, seconds in take.timings.items()}
    timings["model"] = timings.get("model", 0.0) + opening_s
    result: Fields = {
        "names": list(face.names),
        "fps": [face.fps.numerator, face.fps.denominator],
        "duration_s": float(face.duration_s),
        "notices": list(face.notices),
        "voice": {"name": take.voice_name, "sha256": take.voice_sha256},
        "model": {"name": take.model_name, "sha256": take.model_sha256},
        "settings": dict(take.settings.to_mapping()),
        "timings": timings,
    }
    return result, {"weights": face.weights, "jaw": face.jaw, "eyes": face.eyes}


def standard_jobs() -> dict[str, Job]:
    """The table of a worker; each table keeps a model of its own."""
    return {
        "probe": Job(probe, ("soundfile",)),
        "animate": Job(partial(animate, KeptModel()), ("onnxruntime", "scipy", "soundfile")),
    }

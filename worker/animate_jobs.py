# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that make a face from a voice, make it again, and read the emotion from a voice."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Cancelled, UserError
from . import arguments
from .calls import Call, Reply
from .face_reply import face_reply
from .geometry import SHARE, CacheOrder, cache_orders, remove_caches, write_geometry
from .kept import Kept, Wanted
from .messages import Arrays, Fields
from .requests import (
    ENGINE_PATIENCE_S,
    ORDER,
    device_of,
    opening,
    order_of,
    preferred_of,
)
from .voice_jobs import voice_of

if TYPE_CHECKING:
    from ..core.take import Loaded, Take
    from ..core.workbench import Workbench

GEOMETRY_PATIENCE_S = 120.0  # for a slow disk, and a fitted mesh's derivatives
UNFINISHED = 4  # files of other runs that were broken off and may be gone on with


def animate(kept: Kept, call: Call) -> Reply:
    """Animate a face from a voice; the take is also written to "take_path" when that is given.

    {voice, model, fps: [n, d], settings, rigs, emotion, low_delay, device, threads, take_path,
    geometry, workbench} -> {names, jaw_rest, fps, duration_s, notices, voice, model, settings,
    rigs, timings, device, network_ms_per_frame, network_real_time, emotion_names}, arrays
    "weights" (T, P), "jaw" (T, 4, 4), "eyes" (T, 2, 2) as in ``core.face.track.FaceTrack``,
    "emotion_times" (K,) and "emotion_values" (K, E), what the network was given; with head motion
    "head" (T, 3). With "low_delay" the face is the one that a live session of the same sound gives.
    "geometry" asks for point caches of meshes, see ``geometry.cache_orders``; then all of them are
    there, or an error.

    Jobs with the same "workbench", any text, are about one face: only what changed is done again.
    """
    from ..core.take import Request

    where = "animate"
    arguments.only(call.args, ("voice", "take_path", "geometry", "workbench", *ORDER), where)
    order = order_of(call, where)
    caches = cache_orders(call, where)
    take_path = arguments.full_path(call.args, "take_path", where)
    name = arguments.text(call.args, "workbench", where)
    request = Request(
        voice=voice_of(call),
        model=order.wanted.folder,
        fps=order.fps,
        settings=order.settings,
        rigs=order.rigs,
        emotion=order.emotion,
        device=order.wanted.device,
        threads=order.wanted.threads,
    )
    opening(call, order.wanted.device)
    started = time.perf_counter()
    loaded = kept.loaded(order.wanted)
    opening_s = time.perf_counter() - started
    bench = _bench(kept, name, loaded)
    checkpoint = _checkpoint(call, loaded)
    request = replace(request, checkpoint=checkpoint)
    try:
        progress = _before_geometry(patient(call, loaded.network.device), caches)
        take = bench.face(request, progress, call.cancelled)
    except Cancelled:
        _remove(checkpoint)
        raise
    take = replace(take, timings={"model": opening_s, **take.timings})
    kept.tidy()
    _write_geometry(call, caches, take, loaded)
    return answer(_written(take_path, take))


def redo(kept: Kept, call: Call) -> Reply:
    """Make a face again with other values after the network; what is left out stays as it is.

    {workbench, take_path, model, settings, rigs, fps, device, threads, take_out, geometry} -> as
    "animate".
    A workbench that is still there is used first, else the take of "take_path", which needs
    "model". The new take is written to "take_out" when that is given.
    """
    from ..core.solve.pose_table import RigOverrides

    where = "redo"
    known = ("workbench", "take_path", "take_out", "model", "settings", "rigs", "fps", "device",
             "threads", "geometry")  # fmt: skip
    args = call.args
    arguments.only(args, known, where)
    settings = arguments.table(args, "settings", where) if "settings" in args else None
    rigs = RigOverrides.from_mapping(arguments.table(args, "rigs", where))
    fps = arguments.frame_rate(args, "fps", where) if "fps" in args else None
    take_out = arguments.full_path(args, "take_out", where)
    caches = cache_orders(call, where)
    bench = _bench_of(kept, call, where)
    take = bench.redo(
        settings,
        rigs if "rigs" in args else None,
        fps,
        _before_geometry(patient(call, bench.loaded.network.device), caches),
        call.cancelled,
    )
    kept.tidy()
    _write_geometry(call, caches, take, bench.loaded)
    try:
        _write(take_out, take)
    except BaseException:
        remove_caches(caches)
        raise
    return answer(take)


def _bench_of(kept: Kept, call: Call, where: str) -> Workbench:
    """The workbench that a "redo" is about. Raises UserError when there is nothing to go on from.

    The identity of a saved take is the one it was made with.
    """
    from ..core.take_file import read_take
    from ..core.workbench import Workbench

    name = arguments.text(call.args, "workbench", where)
    path = arguments.full_path(call.args, "take_path", where)
    folder = arguments.full_path(call.args, "model", where)
    bench = kept.find_workbench(name) if name is not None else None
    if bench is not None and bench.has_face:  # perhaps there were only previews
        return bench
    if path is None or folder is None:
        raise UserError("The face is no longer at hand.", "Animate the voice again.")
    take = read_take(path)
    wanted = Wanted(
        folder,
        take.identity,
        device_of(call.args, where),
        arguments.whole(call.args, "threads", where) or call.threads,
    )
    opening(call, wanted.device)
    bench = Workbench.from_take(kept.loaded_without_network(wanted), take)
    return bench if name is None else kept.keep_workbench(name, bench)


def detect(kept: Kept, call: Call) -> Reply:
    """Read the emotion from a voice as keys.

    {voice, emotion_model, settings, preferred, device, threads} -> {emotion_names, notices,
    device, duration_s}, arrays "emotion_times" (K,) seconds and "emotion_values" (K, 10).
    """
    from ..core.emotion.detection import Detector
    from ..core.emotion.source import EmotionSource, emotion_defaults, emotion_keys
    from ..core.parameters import EMOTION_NAMES, Settings
    from ..core.voice.audio import read_voice

    where = "detect"
    known = ("voice", "emotion_model", "settings", "preferred", "device", "threads")
    arguments.only(call.args, known, where)
    folder = arguments.full_path(call.args, "emotion_model", where)
    if folder is None:
        raise UserError("No model was chosen that reads the emotion from the voice.")
    values = arguments.table(call.args, "settings", where)
    Settings.from_mapping(values)
    preferred = EmotionSource(preferred=preferred_of(call.args, where)).preferred
    voice = voice_of(call)
    device = device_of(call.args, where)
    threads = arguments.whole(call.args, "threads", where) or call.threads
    opening(call, device)
    detector = Detector(*kept.emotion(Wanted("", "", device, threads, folder)))
    settings = Settings.from_mapping({**emotion_defaults(detector.model.config), **values})
    clip = read_voice(voice, lambda: _look(call))
    network = detector.network
    tell = patient(call, network.device)
    track = emotion_keys(
        clip, settings, detector, preferred,
        lambda share: tell(share, "Reading the emotion"), call.cancelled,
    )  # fmt: skip
    result: Fields = {
        "emotion_names": list(EMOTION_NAMES),
        "notices": [*clip.notices, *network.notices],
        "device": network.device,
        "duration_s": float(clip.duration_s),
    }
    return result, {"emotion_times": track.times_s, "emotion_values": track.values}


def answer(take: Take) -> Reply:
    """A take as result and arrays of a job."""
    from ..core.network.running import real_time

    fields, arrays = face_reply(take.face)
    ms, fps = take.network_ms_per_frame, take.motion.fps
    result: Fields = {
        **fields,
        "voice": {"name": take.voice_name, "sha256": take.voice_sha256},
        "model": {
            "name": take.model_name,
            "sha256": take.model_sha256,
            "identity": take.identity,
        },
        "settings": dict(take.settings.to_mapping()),
        "rigs": take.rigs.to_mapping(),
        "timings": {stage: float(seconds) for stage, seconds in take.timings.items()},
        "device": take.device,
        "network_ms_per_frame": float(ms),
        "network_real_time": real_time(ms, fps),
        "emotion_names": list(take.emotion_names),
    }
    emotion: Arrays = {"emotion_times": take.emotion.times_s, "emotion_values": take.emotion.values}
    return result, {**arrays, **emotion}


def patient(call: Call, device: str) -> Callable[[float, str], None]:
    """The call's progress; where engines are built during the first run, it asks for patience."""
    if device != "tensorrt":
        return call.progress
    return lambda share, stage: call.progress(share, stage, ENGINE_PATIENCE_S)


def _before_geometry(
    tell: Callable[..., None], caches: list[CacheOrder]
) -> Callable[[float, str], None]:
    """The progress of what comes before the geometry is written, if it is."""
    if not caches:
        return tell
    return lambda share, stage: tell(share * (1 - SHARE), stage)


def _write_geometry(call: Call, caches: list[CacheOrder], take: Take, loaded: Loaded) -> None:
    if caches:

        def tell(share: float, stage: str) -> None:
            call.progress(1 - SHARE + SHARE * share, stage, GEOMETRY_PATIENCE_S)

        write_geometry(call, caches, take, loaded.model, tell)


def _look(call: Call) -> None:
    if call.cancelled():
        raise Cancelled
    call.progress(0.0, "Reading the voice")


def _bench(kept: Kept, name: str | None, loaded: Loaded) -> Workbench:
    from ..core.workbench import Workbench

    return Workbench(loaded) if name is None else kept.workbench(name, loaded)


def _written(path: str | None, take: Take) -> Take:
    """The take, which is also kept in its file; a full disk costs only that."""
    try:
        _write(path, take)
    except UserError as error:
        lost = f"The take was not kept, so later changes will run the network again: {error}"
        face = replace(take.face, notices=(*take.face.notices, " ".join(lost.split())))
        return replace(take, face=face)
    return take


def _write(path: str | None, take: Take) -> None:
    from ..core.take_file import write_take

    if path is not None:
        write_take(path, take)


def _checkpoint(call: Call, loaded: Loaded) -> Path | None:
    """The file in which a long run keeps what it has done; None when it is fast.

    The same job finds the same file again, also on another device.
    """
    if call.scratch is None or loaded.model.info.diffusion is None:
        return None
    own = call.scratch / f"{_fingerprint(call.args, call.arrays)}.npz"
    try:
        call.scratch.mkdir(parents=True, exist_ok=True)
        others = (path for path in call.scratch.glob("*.npz") if path != own)
        for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-UNFINISHED]:
            old.unlink()
    except OSError:
        return None
    return own


def _fingerprint(args: Mapping[str, object], arrays: Arrays) -> str:
    asked = {
        name: args.get(name) for name in ("voice", "model", "settings", "emotion", "low_delay")
    }
    total = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
    for name in sorted(arrays):
        total.update(name.encode())
        total.update(arrays[name].tobytes())
    return total.hexdigest()[:32]


def _remove(path: Path | None) -> None:
    if path is not None:
        with suppress(OSError):
            path.unlink()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The job "preview": one frame of a face, at once, while somebody moves a slider."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..core.errors import UserError
from . import arguments
from .animate_jobs import patient
from .calls import Call, Reply
from .kept import Kept
from .messages import Arrays, Fields
from .requests import ORDER, opening, order_of
from .voice_jobs import voice_of

if TYPE_CHECKING:
    from ..core.preview import FramePreview
    from ..core.take import Loaded
    from ..core.voice.audio import Voice
    from ..core.workbench import Workbench

_OTHER = "\n"  # after a face's name: its previews with another model than its take's


def preview(kept: Kept, call: Call) -> Reply:
    """One frame of the face that "animate" would make; what is kept of the face stays as it is.

    {voice, model, fps: [n, d], settings, rigs, emotion, device, threads, workbench, take_path,
    frame} -> {stale: false, frame, names, fps, duration_s, notices, emotion_names, settings, model,
    device}, arrays "weights" (1, P), "jaw" (1, 4, 4), "eyes" (1, 2, 2), with head motion "head"
    (1, 3), and "emotion_values" (1, E), what the network is given in that frame.

    {stale: true, frame}, without arrays, when the network has to be run over the whole voice first.
    ``frame`` counts from 0; the answer's is the nearest that the voice has. Without a "voice" it is
    the one that this workbench was last given. "take_path" is a saved take of the face, for when
    there is no workbench.
    """
    from ..core.take import Request
    from ..core.watch import Watch

    where = "preview"
    arguments.only(call.args, ("voice", "frame", "take_path", "workbench", *ORDER), where)
    order = order_of(call, where)
    take_path = arguments.full_path(call.args, "take_path", where)
    name = arguments.text(call.args, "workbench", where)
    frame = arguments.whole(call.args, "frame", where)
    if frame is None:
        raise UserError(f"{where} does not name its frame.")
    if not kept.is_open(order.wanted):
        opening(call, order.wanted.device)
    loaded = kept.loaded(order.wanted)
    bench = _bench(kept, name, loaded, take_path)
    request = Request(
        voice=_voice(call, bench),
        model=order.wanted.folder,
        fps=order.fps,
        settings=order.settings,
        rigs=order.rigs,
        emotion=order.emotion,
    )
    watch = Watch(patient(call, loaded.network.device), call.cancelled)
    found = bench.preview(request, frame, loaded, watch)
    kept.tidy()
    return ({"stale": True, "frame": frame}, {}) if found is None else _answer(found, loaded)


def _voice(call: Call, bench: Workbench) -> Voice:
    if "voice" in call.args or "voice_bytes" in call.arrays:
        return voice_of(call)
    if bench.voice is None:
        raise UserError("The voice is no longer at hand.", "Animate the voice again.")
    return bench.voice


def _bench(kept: Kept, name: str | None, loaded: Loaded, take_path: str | None) -> Workbench:
    """The workbench of the face; where it works with another model, one beside it."""
    from ..core.workbench import Workbench

    bench = None if name is None else kept.find_workbench(name)
    if bench is not None and name is not None and not _fits(bench, loaded):
        name += _OTHER
        bench = kept.find_workbench(name)
    if bench is None or not _fits(bench, loaded):
        bench = _from_take(loaded, take_path) or Workbench(loaded)
        bench = bench if name is None else kept.keep_workbench(name, bench)
    return bench


def _fits(bench: Workbench, loaded: Loaded) -> bool:
    return bench.loaded.model.sha256 == loaded.model.sha256


def _from_take(loaded: Loaded, path: str | None) -> Workbench | None:
    """A workbench of a saved take; None without one, and when it is of no use."""
    from ..core.take_file import read_take
    from ..core.workbench import Workbench

    if path is None:
        return None
    with suppress(UserError):  # a file that has gone, or of another model: it is a help only
        take = read_take(path)
        return Workbench.from_take(loaded, take)
    return None


def _answer(found: FramePreview, loaded: Loaded) -> Reply:
    face = found.face
    result: Fields = {
        "stale": False,
        "frame": found.frame,
        "names": list(face.names),
        "jaw_rest": list(face.jaw_rest) if face.jaw_rest else None,
        "fps": [face.fps.numerator, face.fps.denominator],
        "duration_s": float(face.duration_s),
        "notices": list(face.notices),
        "emotion_names": list(found.emotion_names),
        "settings": dict(found.settings.to_mapping()),
        "model": {
            "name": found.model_name,
            "sha256": loaded.model.sha256,
            "identity": found.identity,
        },
        "device": found.device,
    }
    arrays: Arrays = {
        "weights": face.weights,
        "jaw": face.jaw,
        "eyes": face.eyes,
        "emotion_values": found.emotion[None],
    }
    if face.head is not None:
        arrays["head"] = face.head
    return result, arrays

# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs about models and processors: what there is, opening in advance, letting go."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..core.errors import UserError
from . import arguments
from .calls import Call, Reply
from .kept import Kept, Wanted
from .messages import Fields
from .requests import OPENING_PATIENCE_S, device_of, model_of, opening

if TYPE_CHECKING:
    from ..core.models.licences import Licence
    from ..core.models.model import BlendShapeRig, Model


def devices(call: Call) -> Reply:
    """{} -> {devices: [{name, label, provider, usable, tested, reason}], default: name}.

    "default" is what a job that names no device computes on.
    """
    from ..core.network.devices import AUTO, list_devices, resolve

    arguments.only(call.args, (), "devices")
    call.progress(0.0, "Trying the processors", 60.0)
    return {"devices": [asdict(info) for info in list_devices()], "default": resolve(AUTO)}, {}


def describe(kept: Kept, call: Call) -> Reply:
    """What a model is and can do, without opening its network.

    {model, identity} -> {family, name, identity, identities, emotions, sha256, licence,
    memory_bytes}, and for a model that moves a face {fps, low_delay: whether it has a network for
    live use, parameters: {name: its own default}, shots: [{name, frames}], poses: {skin: [names],
    tongue: [names]}}. "licence" is {key, title,
    url, notice, restricted} or null, "fps" [n, d] or null for any.
    """
    from ..core.models.model import read_index

    where = "describe"
    arguments.only(call.args, ("model", "identity"), where)
    folder = model_of(call.args, where)
    identity = arguments.text(call.args, "identity", where) or ""
    call.progress(0.0, "Reading the model", OPENING_PATIENCE_S)
    index = read_index(folder)
    result: Fields = {
        "family": index.family,
        "name": index.name,
        "identities": list(index.identities),
        "emotions": list(index.emotions),
        "licence": _licence(index.licence),
        "memory_bytes": int(index.memory_bytes),
    }
    if index.family == "emotion":
        return {**result, "sha256": kept.emotion_model(folder).sha256}, {}
    return {**result, **_face_model(kept.model(folder, identity))}, {}


def _face_model(model: Model) -> Fields:
    from ..core.models.model import settings_for

    fps, shots = model.info.fps, model.emotion_db
    return {
        "sha256": model.sha256,
        "low_delay": model.live_network_path is not None,
        "identity": model.identity,
        "fps": [fps.numerator, fps.denominator] if fps is not None else None,
        "parameters": settings_for(model, {}).to_mapping(),
        "shots": [
            {"name": name, "frames": int(size)}
            for name, size in zip(shots.names, shots.sizes, strict=True)
        ]
        if shots is not None
        else [],
        "poses": {"skin": _poses(model.skin_rig), "tongue": _poses(model.tongue_rig)},
    }


def _poses(rig: BlendShapeRig | None) -> list[str]:
    return list(rig.names) if rig is not None else []


def _licence(licence: Licence | None) -> Fields | None:
    return asdict(licence) if licence is not None else None


def allocate(kept: Kept, call: Call) -> Reply:
    """Open a model in advance; harmless when it is open already.

    {model, identity, device, threads, emotion_model} -> {device, notices}. Without "model" only
    the emotion model is opened.
    """
    where = "allocate"
    known = ("model", "identity", "device", "threads", "emotion_model")
    args = call.args
    arguments.only(args, known, where)
    wanted = Wanted(
        folder=arguments.full_path(args, "model", where) or "",
        identity=arguments.text(args, "identity", where) or "",
        device=device_of(args, where),
        threads=arguments.whole(args, "threads", where) or call.threads,
        emotion_folder=arguments.full_path(args, "emotion_model", where) or "",
    )
    if not wanted.folder and not wanted.emotion_folder:
        raise UserError("No model was chosen.")
    opening(call, wanted.device)
    if wanted.folder:
        loaded = kept.loaded(wanted)
        networks = [loaded.network, loaded.emotion_network]
    else:
        networks = [kept.emotion(wanted)[1]]
    opened = [network for network in networks if network is not None]
    notices = list(dict.fromkeys(notice for one in opened for notice in one.notices))
    return {"device": opened[0].device, "notices": notices}, {}


def free(kept: Kept, sessions: Sequence[Sized], call: Call) -> Reply:
    """Let go of a model, or of all; what is needed again is opened again by itself.

    A live session keeps what it works with until it ends.

    {model: folder | null} -> {open: how many models, networks, sessions and microphones are left}.
    """
    arguments.only(call.args, ("model",), "free")
    kept.free(arguments.full_path(call.args, "model", "free"))
    return {"open": kept.open_count + sum(map(len, sessions))}, {}

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take remembers of its request, and whether a request is still the same."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.emotion.source import EmotionSource
from ..core.fingerprints import request_fingerprint
from ..core.parameters import AUTO_EMOTION, PARAMETERS
from ..core.solve.pose_table import RigOverrides
from ..core.take import Request as CoreRequest
from ..core.take_label import SHAPE_KEYS, TakeLabel
from ..core.voice.audio import Voice
from ..properties.library import defaults
from ..scene.places import BUILT_IN_MODEL, extension_version, model_folder
from ..scene.rates import scene_rate
from ..scene.sounds import Resolved, resolve

if TYPE_CHECKING:
    from ..providers.base import Ticket
    from .animation_job import Request

ENDS = 1 << 16  # bytes of a packed voice that are looked at on either side


def hash_of(values: Mapping[str, Any]) -> str:
    """Hash of JSON values as hexadecimal text."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint_of(request: Request) -> str:
    """The same text as long as Animate would make the same take at the same frames.

    Files count by name, size and time, wherever they lie, so that it costs no reading and survives
    a copy of the project's folder; faces do not count.
    Raises UserError when the voice or a model is missing, SceneChanged when the scene is.
    """
    scene = request.scene.get()
    source = request.source
    resolved = Resolved(source) if isinstance(source, Voice) else resolve(source, scene)
    start = resolved.start_frame if request.start_frame is None else request.start_frame
    settings = _changed(request)
    if request.identity:
        settings["identity"] = request.identity
    emotion = request.emotion or EmotionSource()
    made = CoreRequest(
        voice=resolved.voice,
        model=str(model_folder(request.model)),
        fps=request.fps or scene_rate(scene),
        settings=settings,
        rigs=RigOverrides.from_mapping(request.rigs),
        emotion=replace(emotion, keys=None),
    )
    said = request_fingerprint(made, _voice(resolved.voice), _model(request.model))
    frame = float(scene.frame_start) if start is None else float(start)
    output = "" if request.output == SHAPE_KEYS else f" {request.output}"
    return f"{said}@{frame:g}{_curves(emotion)}{output}"


def label_for(
    request: Request, ticket: Ticket, voice_name: str, take_id: str, fingerprint: str
) -> TakeLabel:
    """What the actions of a finished request say of themselves."""
    model = ticket.result.get("model", {})
    settings = dict(ticket.result.get("settings", {}))
    origin = request.origin
    return TakeLabel(
        take_id,
        hash_of(settings),
        Path(voice_name).stem,
        str(model.get("name", "")),
        str(model.get("sha256", "")),
        request.model,
        str(model.get("identity") or request.identity),
        request.identity,
        origin.pipeline_id,
        origin.pipeline,
        origin.player,
        fingerprint=fingerprint,
        version=extension_version(),
        settings=settings,
        choices=dict(origin.choices),
        source=_source(request),
        emotion=_emotion_source(request.emotion),
        character_ids=origin.character_ids,
        output=request.output,
    )


def _source(request: Request) -> dict[str, Any]:
    if isinstance(request.source, Voice):
        return {}
    return {**asdict(request.source), "start_frame": request.start_frame}


def _emotion_source(source: EmotionSource | None) -> dict[str, Any]:
    if source is None:
        return {}
    preferred = source.preferred
    return {
        "mode": source.mode,
        "model": source.model,
        "preferred": None if preferred is None else [float(value) for value in preferred],
    }


def _changed(request: Request) -> dict[str, Any]:
    """The settings that differ from what counts where the user sets nothing."""
    face = defaults(request.model, request.identity).values
    emotion = request.emotion
    heard = defaults(emotion.model).values if emotion and emotion.model else {}
    of_emotion = {row.name for row in AUTO_EMOTION}
    changed = {}
    for name, value in request.settings.items():
        known = heard if name in of_emotion else face
        default = known.get(name, PARAMETERS[name].default)
        same = value == default
        if not isinstance(value, str) and not isinstance(default, str):
            same = bool(np.float32(value) == np.float32(default))
        if not same:
            changed[name] = value
    return changed


def _curves(emotion: EmotionSource) -> str:
    """An emotion timeline of any length by a number."""
    keys = emotion.keys
    if keys is None:
        return ""
    values = np.concatenate([keys.times_s[:, None], keys.values], axis=1)
    return f" {zlib.crc32(np.ascontiguousarray(values, np.float32).tobytes()):08x}"


def _voice(voice: Voice) -> str:
    """Which voice it is, without reading a file."""
    if voice.data is None:
        return _file(voice.path or "")
    ends = zlib.crc32(voice.data[:ENDS] + voice.data[-ENDS:])
    return f"packed {len(voice.data)} {ends}"


def _file(path: str | Path) -> str:
    """A file by name, size and time in seconds."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return Path(path).name
    return f"{Path(path).name} {found.st_size} {int(found.st_mtime)}"


def _model(chosen: str) -> str:
    folder = model_folder(chosen)
    if folder == BUILT_IN_MODEL:
        return f"built-in {extension_version()}"
    return f"{folder.name} {_file(folder / 'model.json')}"

# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts may choose for a take or a session alike, checked and put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.emotion.source import EmotionSource
from ..core.exchange.sdk_names import face_settings
from ..core.parameters import checked_values
from ..properties.library import preferences
from .emotion import EmotionParameters
from .providers import emotion_folder, find_provider


@dataclass(frozen=True)
class Chosen:
    """``settings`` by the names of ``core.parameters``; ``given`` if the caller chose any of them.

    ``model`` is a folder, ``device`` a name of ``core.network.devices``.
    """

    model: str
    identity: str
    settings: dict[str, Any]
    emotion: EmotionSource
    device: str
    threads: int
    given: bool


def choose(
    scene: bpy.types.Scene,
    provider: str,
    emotion: EmotionParameters | None,
    face_parameters: Mapping[str, float] | None,
    emotion_model: str | None,
    settings: Mapping[str, Any] | None,
    device: str | None,
) -> Chosen:
    """Raises UserError naming what cannot be taken; see ``api.animate`` for the arguments.

    ``settings`` go before the defaults of ``EmotionParameters``, after those that were given.
    """
    found = find_provider(provider)
    folder = emotion_folder(scene, emotion_model)
    parameters = emotion or EmotionParameters()
    values: dict[str, Any] = parameters.settings() if folder else {}
    values.update(settings or {})
    if emotion is not None:
        values.update(emotion.settings())
    values.update(face_settings(face_parameters or {}))
    known = preferences()
    return Chosen(
        model=str(found.folder),
        identity=found.identity,
        settings=checked_values(values),
        emotion=EmotionSource(
            model=folder,
            mode="frames" if folder else "off",
            overrides=parameters.set_overrides,
        ),
        device=device if device is not None else str(getattr(known, "device", "auto")),
        threads=int(getattr(known, "threads", 0)),
        given=emotion is not None or bool(face_parameters),
    )

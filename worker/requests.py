# SPDX-License-Identifier: GPL-3.0-or-later
"""How jobs are told what to make of a voice: model, settings, rigs, emotion, device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np

from ..core.errors import UserError
from ..core.parameters import EMOTION_NAMES
from . import arguments
from .calls import Call
from .kept import Wanted
from .messages import Arrays, Fields

if TYPE_CHECKING:
    from ..core.emotion.source import EmotionSource
    from ..core.emotion.track import EmotionTrack
    from ..core.solve.pose_table import RigOverrides

# Long silent steps, in seconds: reading gigabytes from a slow disk; TensorRT building an engine
OPENING_PATIENCE_S = 600.0
ENGINE_PATIENCE_S = 3600.0


@dataclass(frozen=True)
class Order:
    """What is to be made, whatever the voice."""

    wanted: Wanted
    fps: Fraction
    settings: Mapping[str, object]
    rigs: RigOverrides
    emotion: EmotionSource


# Arguments that ``order_of`` reads
ORDER = ("model", "fps", "settings", "rigs", "emotion", "low_delay", "device", "threads")


def order_of(call: Call, where: str) -> Order:
    """Read {model, fps, settings, rigs, emotion, low_delay, device, threads} and emotion keys.

    ``emotion`` is {mode: "off" | "frames" | "keys", model, preferred, overrides}, its keys are
    arrays. ``low_delay`` takes the model's network for live use. Raises UserError.
    """
    from ..core.solve.pose_table import RigOverrides

    args = call.args
    folder = model_of(args, where)
    fps = arguments.frame_rate(args, "fps", where)
    settings = arguments.table(args, "settings", where)
    emotion = emotion_of(args, call.arrays)
    identity = settings.get("identity", "")
    return Order(
        wanted=Wanted(
            folder=folder,
            identity=identity if isinstance(identity, str) else "",
            device=device_of(args, where),
            threads=arguments.whole(args, "threads", where) or call.threads,
            emotion_folder=emotion.model if emotion.mode != "off" else "",
            low_delay=arguments.flag(args, "low_delay", where),
        ),
        fps=fps,
        settings=settings,
        rigs=RigOverrides.from_mapping(arguments.table(args, "rigs", where)),
        emotion=emotion,
    )


def model_of(args: Fields, where: str) -> str:
    """The folder of the model. Raises UserError when there is none."""
    model = arguments.full_path(args, "model", where)
    if model is None:
        raise UserError("No model was chosen.")
    return model


def device_of(args: Fields, where: str) -> str:
    """The name of a processor; the best one that works when it is left out."""
    return arguments.text(args, "device", where) or "auto"


def emotion_of(args: Fields, arrays: Arrays) -> EmotionSource:
    """Where the emotion comes from. Raises UserError."""
    from ..core.emotion.source import MODES, EmotionSource, Mode

    where = "emotion"
    found = arguments.table(args, where, "the job")
    arguments.only(found, ("mode", "model", "preferred", "overrides"), where)
    mode = arguments.text(found, "mode", where) or "off"
    if mode not in MODES:
        raise UserError(f"'mode' of {where} must be one of {', '.join(MODES)}, not {mode!r}.")
    return EmotionSource(
        keys=_keys(arrays, where),
        model=arguments.full_path(found, "model", where) or "",
        mode=cast("Mode", mode),
        preferred=preferred_of(found, where),
        overrides=arguments.number_table(found, "overrides", where),
    )


def preferred_of(args: Fields, where: str) -> tuple[float, ...] | None:
    """The preferred emotion, one number for each of the ten; None when it is not set."""
    found: object = args.get("preferred")
    if found is None:
        return None
    if not isinstance(found, list) or len(found) != len(EMOTION_NAMES):
        raise UserError(f"'preferred' of {where} must be a list of {len(EMOTION_NAMES)} numbers.")
    values = {str(place): value for place, value in enumerate(found)}
    return tuple(arguments.number(values, name, where) or 0.0 for name in values)


def _keys(arrays: Arrays, where: str) -> EmotionTrack | None:
    """The keys of "emotion_times" (K,) and "emotion_values" (K, 10); None without them."""
    from ..core.emotion.track import EmotionTrack

    times = arguments.array(arrays, "emotion_times", "f", where, None)
    values = arguments.array(arrays, "emotion_values", "f", where, None, len(EMOTION_NAMES))
    if times is None and values is None:
        return None
    if times is None or values is None:
        raise UserError("Emotion keys need their times and their values.")
    return EmotionTrack(np.asarray(times, np.float64), np.asarray(values, np.float32))


def opening(call: Call, device: str) -> None:
    """Say that a model is being opened, which may take long without a word."""
    patience_s = ENGINE_PATIENCE_S if device == "tensorrt" else OPENING_PATIENCE_S
    call.progress(0.0, "Opening the model", patience_s)

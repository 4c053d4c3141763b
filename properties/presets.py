# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipeline's choices as a preset, and a preset as a pipeline's choices."""

from __future__ import annotations

from typing import Any

from ..core.parameters import EMOTION_NAMES
from ..core.presets import Preset
from . import parameters
from .changes import tell


def preset_of(pipeline: Any, name: str = "", about: str = "") -> Preset:
    """What the user has chosen: own values, emotion and preferred emotion, where it comes from."""
    preferred = zip(EMOTION_NAMES, pipeline.preferred, strict=True)
    return Preset(
        name=name or pipeline.name,
        about=about,
        settings=_tidy(pipeline.changed_settings()),
        emotion={
            key: _short(value)
            for key, value in zip(EMOTION_NAMES, pipeline.emotion.values(), strict=True)
            if value > 0
        },
        preferred={key: _short(value) for key, value in preferred if value > 0}
        if pipeline.has_preferred
        else {},
        detect=pipeline.detect_emotion,
    )


def apply_preset(pipeline: Any, preset: Preset) -> None:
    """Set what a preset says; parameters that it does not name are left to the model again."""
    pipeline.reset_settings()
    for name, value in preset.settings.items():
        if name == "source_shot":
            pipeline.source_shot = str(value)
            tell(pipeline, name)
        else:
            setattr(pipeline, name, value)
    if preset.emotion is not None:
        strengths = tuple(float(preset.emotion.get(name, 0.0)) for name in EMOTION_NAMES)
        pipeline.emotion.set_values(strengths)
    if preset.preferred is not None:
        values = tuple(float(preset.preferred.get(name, 0.0)) for name in EMOTION_NAMES)
        pipeline.preferred = values
        pipeline.has_preferred = any(values)
        tell(pipeline, "preferred")
    if preset.detect:
        pipeline.detect_emotion = preset.detect


def _tidy(values: dict[str, Any]) -> dict[str, Any]:
    """Blender keeps single precision: 0.7 comes back as 0.699999988."""
    casts = {row.name: row.kind for row in parameters.ROWS}
    kinds: dict[str, Any] = {"float": _short, "int": int, "bool": bool}
    return {name: kinds.get(casts.get(name, ""), str)(value) for name, value in values.items()}


def _short(value: Any) -> float:
    return float(f"{float(value):.7g}")

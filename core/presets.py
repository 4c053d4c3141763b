# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: how a pipeline moves a face, as a JSON file that people may read, edit and share.

    {"schema": 1, "name": "Subtle", "about": "...", "settings": {"skin_strength": 0.7},
     "emotion": {"joy": 0.3}, "preferred": {}, "detect_emotion": "OFF"}

Data only: values of the parameter table and strengths of emotions; no voice, model or character.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import UserError
from .file_names import cleaned_name
from .files import write_text
from .parameters import EMOTION_NAMES, EMOTION_PREFIX, PARAMETERS, Value, checked
from .safe_files import Json, read_json

SCHEMA = 1
SUFFIX = ".json"
DETECTS = ("OFF", "FRAMES")
MAX_BYTES = 64 << 10
MAX_NAME = 60
_MENDING = "Mend the file or remove it."
# A model's person is no matter of taste, and emotions have a place of their own.
SETTING_NAMES = tuple(
    name for name in PARAMETERS if not name.startswith(EMOTION_PREFIX) and name != "identity"
)
_KEYS = ("schema", "name", "about", "settings", "emotion", "preferred", "detect_emotion")


@dataclass(frozen=True)
class Preset:
    """What a preset sets.

    ``settings``   by name of ``SETTING_NAMES``; those that are not named are the model's own
    ``emotion``    strengths 0..1 by name, the others 0; None leaves the emotion as it is
    ``preferred``  the same of the preferred emotion; {} is none, None leaves it
    ``detect``     one of ``DETECTS``; empty leaves it
    """

    name: str
    about: str = ""
    settings: Mapping[str, Value] = field(default_factory=dict)
    emotion: Mapping[str, float] | None = None
    preferred: Mapping[str, float] | None = None
    detect: str = ""

    def to_mapping(self) -> dict[str, Json]:
        """As it is written to a file; ``preset_from`` takes it back."""
        values: dict[str, Json] = {"schema": SCHEMA, "name": self.name}
        if self.about:
            values["about"] = self.about
        values["settings"] = dict(self.settings)
        if self.emotion is not None:
            values["emotion"] = dict(self.emotion)
        if self.preferred is not None:
            values["preferred"] = dict(self.preferred)
        if self.detect:
            values["detect_emotion"] = self.detect
        return values


def preset_from(values: Mapping[str, Json], where: str) -> Preset:
    """Check what a file holds. Raises UserError that names ``where`` and what is wrong."""
    if values.get("schema") != SCHEMA or isinstance(values.get("schema"), bool):
        raise UserError(
            f"{where} is no preset that this version reads: its schema is not {SCHEMA}.", _MENDING
        )
    unknown = sorted(str(key) for key in values if key not in _KEYS)
    if unknown:
        raise UserError(f"{where}: a preset has no {unknown[0]!r}.", _MENDING)
    detect = values.get("detect_emotion", "")
    if detect not in ("", *DETECTS):
        raise UserError(f"{where}: detect_emotion has to be one of {', '.join(DETECTS)}.", _MENDING)
    return Preset(
        name=_text(values, "name", where, MAX_NAME) or "Preset",
        about=_text(values, "about", where, 400),
        settings=_settings(values.get("settings", {}), where),
        emotion=_strengths(values, "emotion", where),
        preferred=_strengths(values, "preferred", where),
        detect=str(detect),
    )


def read_preset(path: Path) -> Preset:
    """Read a preset. Raises UserError with one sentence for every kind of damage."""
    return preset_from(read_json(path, MAX_BYTES), str(path))


def write_preset(path: Path, preset: Preset) -> None:
    """Write a preset, whole or not at all. Raises UserError."""
    preset_from(preset.to_mapping(), path.name)
    text = json.dumps(preset.to_mapping(), ensure_ascii=False, indent=2, allow_nan=False)
    write_text(path, text + "\n")


def file_name(name: str) -> str:
    """A file's name for a preset's: no path, nothing that a system refuses. Raises UserError."""
    plain = cleaned_name(name, MAX_NAME)
    if not plain:
        raise UserError("The preset has no name.", "Type one.")
    return plain + SUFFIX


def _text(values: Mapping[str, Json], key: str, where: str, longest: int) -> str:
    text = values.get(key, "")
    if not isinstance(text, str) or len(text) > longest or not text.isprintable():
        raise UserError(f"{where}: {key} has to be a text of at most {longest} letters.", _MENDING)
    return text.strip()


def _settings(values: Json, where: str) -> dict[str, Value]:
    if not isinstance(values, dict):
        raise UserError(f"{where}: settings has to be a JSON object.", _MENDING)
    for name in values:
        if name not in SETTING_NAMES:
            raise UserError(f"{where}: there is no setting called {name!r}.", _MENDING)
    return {name: checked(name, value, where) for name, value in values.items()}


def _strengths(values: Mapping[str, Json], key: str, where: str) -> dict[str, float] | None:
    found: Any = values.get(key)
    if found is None:
        return None
    if not isinstance(found, dict) or not set(found) <= set(EMOTION_NAMES):
        raise UserError(
            f"{where}: {key} has to be strengths of {', '.join(EMOTION_NAMES)}.", _MENDING
        )
    return {
        name: float(checked(EMOTION_PREFIX + name, value, where)) for name, value in found.items()
    }

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take says of its origin, kept as JSON text on its action, so that it can be made again.

The text may come from anybody's .blend: what does not fit is left out, never believed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

# Custom properties of an action: plain ones for people, the label for ourselves
TAKE = "facewright_take"
SETTINGS = "facewright_settings"
VOICE = "facewright_voice"
MODEL = "facewright_model"
LABEL = "facewright_label"
LEAD = "facewright_lead"  # on one action of a take; before Blender 4.4 a face has several
MAX_CHARS = 1 << 18

REPLACE, NEW, NLA = "REPLACE", "NEW", "NLA"  # what baking does with the take before
SHAPE_KEYS, VERTICES, BOTH = "SHAPE_KEYS", "VERTICES", "BOTH"  # what a take moves


@dataclass(frozen=True)
class Origin:
    """Who asked for a take. ``character_ids`` are in the order of the request's faces; ``choices``
    are the pipeline's own settings as a preset's mapping (``core.presets``)."""

    pipeline_id: str = ""
    pipeline: str = ""
    player: str = ""
    character_ids: tuple[str, ...] = ()
    choices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TakeLabel:
    """What an action says about its origin; hashes as hexadecimal text.

    ``settings``        every parameter's effective value, seeds too
    ``choices``         what the user had set, as a preset's mapping
    ``source``          the voice: kind, name, channel, start_s, end_s, start_frame (None: its own)
    ``emotion``         where emotion came from: mode, model, preferred
    ``fps``             numerator and denominator of the take's own rate
    ``first_frame``     frames of the scene of the first and last key
    ``identity_choice`` the identity that the user named; empty is the model's first
    ``fingerprint``     of what was asked for; the same as long as it would give the same take
    ``version``         of the extension
    ``face``            name of the face's object; ``character_id`` of its character, if it has one
    ``output``          what it moves: shape keys, vertices or both
    ``caches``          names of its point caches, by which mesh of the face plays them; until
                        ``of_face`` with the face's number and a slash before
    ``folder``          where those were written, for a .blend that is saved elsewhere since
    """

    take_id: str
    settings_hash: str = ""
    voice: str = ""
    model: str = ""
    model_sha256: str = ""
    model_folder: str = ""
    identity: str = ""
    identity_choice: str = ""
    pipeline_id: str = ""
    pipeline: str = ""
    player: str = ""
    character_id: str = ""
    face: str = ""
    fingerprint: str = ""
    version: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    emotion: Mapping[str, Any] = field(default_factory=dict)
    fps: tuple[int, int] = (0, 1)
    first_frame: float = 0.0
    last_frame: float = 0.0
    character_ids: tuple[str, ...] = ()
    output: str = SHAPE_KEYS
    caches: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""

    @property
    def key(self) -> str:
        """What tells the takes of several faces apart that were made at once."""
        return f"{self.take_id}/{self.character_id or self.face}"

    def of_face(self, index: int, face: str) -> TakeLabel:
        """The label of one of the faces that were animated at once."""
        ids = self.character_ids
        one = ids[index] if index < len(ids) else ""
        own = f"{index}/"
        caches = {
            role.removeprefix(own): name
            for role, name in self.caches.items()
            if role.startswith(own)
        }
        return replace(
            self,
            character_id=one,
            character_ids=(one,) if one else (),
            face=face,
            caches=caches,
        )

    def to_json(self) -> str:
        """As text; ``label_from`` takes it back."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)


def label_of(properties: Any) -> TakeLabel | None:
    """The label of an action by its custom properties (``get``); None when it is no take."""
    take_id = properties.get(TAKE)
    if not isinstance(take_id, str) or not take_id:
        return None
    text = properties.get(LABEL)
    if isinstance(text, str):
        return label_from(text, take_id)
    voice, model = properties.get(VOICE), properties.get(MODEL)  # a take of a former version
    return TakeLabel(take_id, voice=str(voice or ""), model=str(model or ""))


def is_lead(properties: Any) -> bool:
    """Whether an action stands for its take in lists; of a former version each one does."""
    return LEAD in properties or (TAKE in properties and LABEL not in properties)


@lru_cache(maxsize=256)
def label_from(text: str, take_id: str) -> TakeLabel:
    """The label of an action's text; fields that are missing or make no sense are the defaults."""
    try:
        values = json.loads(text) if len(text) <= MAX_CHARS else {}
    except (ValueError, RecursionError):
        values = {}
    known = values if isinstance(values, dict) else {}
    kept = {}
    for row in fields(TakeLabel):
        value = _fitting(known.get(row.name), row.default)
        if value is not None:
            kept[row.name] = value
    return TakeLabel(**{**kept, "take_id": take_id})


def _fitting(value: Any, default: Any) -> Any:
    """The value as the field's own kind; None where it does not fit."""
    if isinstance(default, float):
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(value) if good and math.isfinite(value) else None
    if isinstance(default, tuple):
        if not isinstance(value, list):
            return None
        if default:  # a rate
            whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value)
            return tuple(value) if whole and len(value) == 2 and value[1] > 0 else None
        return tuple(each for each in value if isinstance(each, str))
    if isinstance(default, str):
        return value if isinstance(value, str) else None
    return value if isinstance(value, dict) else None

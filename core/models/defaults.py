# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model folder sets by itself, for the controls that nobody has touched yet.

A few small files are read, no shape and no network, so it is safe and quick in Blender's process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..emotion.source import emotion_defaults
from ..parameters import Value
from .emotion import read_emotion_config
from .files import find_files
from .info import read_emotion_labels, read_network_info
from .loading import expression_names, identity_index, model_config
from .model import default_emotions


@dataclass(frozen=True)
class ModelDefaults:
    """``values`` by parameter name; ``shots`` name and number of frames of each expression of the
    model's database, empty where there is none."""

    values: Mapping[str, Value] = field(default_factory=dict)
    shots: tuple[tuple[str, int], ...] = ()


def read_defaults(folder: Path, identity: str = "") -> ModelDefaults:
    """The defaults of one person of a folder, "" is the first. Raises UserError."""
    files = find_files(folder)
    if files.family == "emotion":
        config = read_emotion_config(files.people[0].config, read_emotion_labels(files))
        return ModelDefaults(emotion_defaults(config))
    info = read_network_info(files)
    person = files.people[identity_index(files, identity)]
    values = {**model_config(person.config, info), **default_emotions(info)}
    shots: tuple[tuple[str, int], ...] = ()
    if files.database is not None and info.implicit_length:
        shots = expression_names(files.database)
    return ModelDefaults(values, shots)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's drop-downs of models: the preferred one, those of the library, the scene's own.

A scene remembers a folder, so that it means the same whatever the library holds; the drop-downs
only write and read that.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty

from .library import (
    BUILT_IN_EMOTION_NAME,
    BUILT_IN_NAME,
    folder_of,
    is_terms_accepted,
    look,
    preferences,
)

PREFERRED, OTHERS = "PREFERRED", "OTHER_"
Choices = tuple[tuple[str, str], ...]  # folder and what it is called, the preferred one first


def choices(chosen: Any, emotion: bool) -> Choices:
    """Folders that may be chosen for a face, or for detecting emotion, with their names."""
    general = preferences()
    rows = [row for row in general.models if not row.built_in] if general else []
    names = {row.folder: row.name for row in rows}
    preferred = str(getattr(general, _field(emotion), ""))
    name = names.get(preferred) or Path(preferred).name
    built_in = BUILT_IN_EMOTION_NAME if emotion else BUILT_IN_NAME
    found = {"": f"{name} (default)" if name else built_in}
    for row in rows:
        if (look(folder_of(row)).kind == "emotion") == emotion:
            found[row.folder] = row.name
    own = getattr(chosen, _field(emotion))
    if own not in found:
        found[own] = names.get(own) or Path(own).name or own
    return tuple(found.items())


def _field(emotion: bool) -> str:
    return "emotion_model" if emotion else "model"


@lru_cache(maxsize=32)
def _items(listed: Choices) -> list[tuple[str, str, str]]:
    """Blender keeps no reference to the texts of an enum, so somebody has to."""
    about = "The model that the preferences name"
    return [
        (f"{OTHERS}{place}" if place else PREFERRED, name, folder or about)
        for place, (folder, name) in enumerate(listed)
    ]


def chooser(name: str, description: str, emotion: bool) -> Any:
    """A drop-down that reads and writes ``model`` or ``emotion_model``."""

    def items(self: Any, _context: Any = None) -> list[tuple[str, str, str]]:
        return _items(choices(self, emotion))

    def get(self: Any) -> int:
        folders = [folder for folder, _name in choices(self, emotion)]
        return folders.index(getattr(self, _field(emotion)))

    def put(self: Any, place: int) -> None:
        setattr(self, _field(emotion), choices(self, emotion)[place][0])

    return EnumProperty(name=name, description=description, items=items, get=get, set=put)


def problem(folder: str, emotion: bool) -> str:
    """Why the model in a folder cannot be used, in one sentence; empty when it can, as far as
    can be told without opening it. ``folder`` "" is the built-in model."""
    if not folder.strip():
        return ""
    path = Path(bpy.path.abspath(folder)).absolute()
    seen = look(path)
    if not os.path.isfile(path / "model.json"):
        return f"There is no model in the folder {path.name}. Choose another model."
    if seen.problem:
        return f"{seen.problem.rstrip('.')}. Choose another model."
    if emotion and seen.kind != "emotion":
        return f"{path.name} is a model of a face. Choose an Audio2Emotion model for emotion."
    if not emotion and seen.kind == "emotion":
        return f"{path.name} only finds emotion. Choose a model of a face."
    return ""


def terms_missing(folder: str) -> bool:
    """Whether the terms of the model in a folder are still to be accepted."""
    return bool(folder.strip()) and not is_terms_accepted(Path(bpy.path.abspath(folder)).absolute())

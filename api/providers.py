# SPDX-License-Identifier: GPL-3.0-or-later
"""What can animate a face, by name: the built-in model, and every identity of the library's models.

The list is made anew each time it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from ..properties.library import (
    BUILT_IN,
    BUILT_IN_EMOTION,
    BUILT_IN_EMOTION_NAME,
    BUILT_IN_NAME,
    look,
    models,
    preferences,
)
from ..scene.places import model_folder

DEFAULT = "Default"


@dataclass(frozen=True)
class Provider:
    """One variant of one model."""

    name: str
    folder: Path
    identity: str = ""


def all_providers() -> list[Provider]:
    """Every one, the built-in first; names are different from each other."""
    found: list[Provider] = []
    taken = {DEFAULT.casefold()}
    for provider in (Provider(BUILT_IN_NAME, BUILT_IN), *_of_library()):
        name, number = provider.name, 2
        while name.casefold() in taken:
            name, number = f"{provider.name} {number}", number + 1
        taken.add(name.casefold())
        found.append(Provider(name, provider.folder, provider.identity))
    return found


def providers() -> list[str]:
    """The names that ``provider`` arguments take."""
    return [DEFAULT, *(provider.name for provider in all_providers())]


def default_provider() -> str:
    """The name of what "Default" stands for: the model of the preferences, or the built-in one."""
    return find_provider("").name


def find_provider(name: str) -> Provider:
    """The provider of a name, in any case; "" and "Default" are the default.

    Raises UserError listing the names that there are.
    """
    known = all_providers()
    if name.strip().casefold() in ("", DEFAULT.casefold()):
        return _default(known)
    for provider in known:
        if provider.name.casefold() == name.strip().casefold():
            return provider
    listed = ", ".join((DEFAULT, *(provider.name for provider in known)))
    raise UserError(f"There is no provider called {name!r}.", f"There are {listed}.")


def emotion_folder(scene: bpy.types.Scene, chosen: str | None) -> str:
    """The Audio2Emotion folder to use: a name of the library or a path; None is the scene's.

    Empty when no emotion is to be detected. Raises UserError when it is not there.
    """
    if chosen is None:
        shown: Any = scene.facewright
        if shown.pipeline is None or not shown.pipeline.detects:
            return ""
        chosen = shown.pipeline.emotion_model_text
    if not chosen.strip():
        return ""
    for name, folder in ((BUILT_IN_EMOTION_NAME, BUILT_IN_EMOTION), *models()):
        if name.casefold() == chosen.strip().casefold():
            return str(folder)
    return str(model_folder(chosen))


def _default(known: list[Provider]) -> Provider:
    """The model of the preferences; it need not be in the library."""
    chosen = str(getattr(preferences(), "model", ""))
    if not chosen.strip():
        return known[0]
    folder = model_folder(chosen)
    for provider in known:
        if provider.folder == folder:
            return provider
    return Provider(folder.name, folder)


def _of_library() -> Iterator[Provider]:
    for name, folder in models():
        index = look(folder).index
        if index is None or index.family == "emotion":  # the library says what is wrong with it
            continue
        if len(index.identities) < 2:
            yield Provider(name, folder, "".join(index.identities))
        for person in index.identities if len(index.identities) > 1 else ():
            yield Provider(f"{name} {person}", folder, person)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command line lists: the models there are, one model's description, the processors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from ..core.models.index import read_model_index
from ..core.models.licences import licence_of
from ..core.models.model import ModelIndex
from ..properties import library
from ..scene.places import model_folder
from . import processors
from .asking import ask, wait_for

MB = 1 << 20


def models() -> Iterator[str]:
    """One line per model: name, family, identities, rate, folder; or what is wrong with it."""
    for name, folder in (*library.BUILT_INS.items(), *library.models()):
        try:
            index = read_model_index(folder)
        except UserError as error:
            yield f"{name}: {error.message}"
            continue
        people = f", {', '.join(index.identities)}" if len(index.identities) > 1 else ""
        yield f"{name}: {index.family}{people}, {_rate(index)}, {folder}"


def description(folder: str) -> Iterator[str]:
    """What is known of one model folder, a line each. Raises UserError."""
    path = model_folder(os.path.abspath(folder))
    index = read_model_index(path)
    yield f"Folder: {path}"
    yield f"Name: {index.name}"
    yield f"Family: {index.family}"
    if index.identities:
        yield f"Identities: {', '.join(index.identities)}"
    yield f"Emotions: {', '.join(index.emotions)}"
    yield f"Rate: {_rate(index)}"
    about = "" if index.memory_known else "about "
    yield f"Files: {len(index.files)}, {index.size_bytes / MB:.0f} MB"
    yield f"Memory on the device: {about}{index.memory_bytes / MB:.0f} MB"
    if index.good_at:
        yield f"Good at: {index.good_at}"
    yield f"Licence: {_licence(path)}"
    if index.family != "emotion":
        yield from _details(path)


def _rate(index: ModelIndex) -> str:
    return "any frame rate" if index.fps is None else f"{float(index.fps):g} frames per second"


def _licence(path: Path) -> str:
    found = licence_of(path)
    return f"{found.title}, {found.url}" if found else "none that Facewright knows of"


def _details(path: Path) -> Iterator[str]:
    """What only the worker can say, which reads the whole model."""
    told: Mapping[str, Any] = wait_for(ask("describe", {"model": str(path)})).result
    for part, poses in told["poses"].items():
        yield f"Poses of the {part}: {', '.join(poses) or 'none'}"
    if told["shots"]:
        shots = (f"{shot['name']} ({shot['frames']} frames)" for shot in told["shots"])
        yield f"Source shots: {', '.join(shots)}"
    yield f"Hash: {told.get('sha256', '')}"


def devices() -> Iterator[str]:
    """One line per processor: name, label, whether it can be used and was tested, or why not.

    Each build of ONNX Runtime that is here is asked, so that a fetched one counts.
    """
    wait_for(processors.look())
    for state in processors.states():
        usable = "usable" if state.usable else "not usable"
        tested = "tested" if state.tested else "not tested"
        reason = f": {state.reason}" if state.reason else ""
        yield f"{state.name:<9} {state.label}, {usable}, {tested}{reason}"

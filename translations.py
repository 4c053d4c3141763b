# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in other languages than English: each file of ``locale`` is one language for Blender.

A file is JSON with ``schema_version``, ``language`` as Blender calls it ("de_DE") and ``messages``,
the English text to the translated one. Blender's own translation of the same text goes first.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import bpy

log = logging.getLogger(__name__)

LOCALE = Path(__file__).resolve().parent / "locale"
SCHEMA_VERSION = 1
CONTEXTS = ("*", "Operator")  # Blender looks operators' names up apart from all other texts

Messages = dict[tuple[str, str], str]


def read(path: Path) -> tuple[str, dict[str, str]]:
    """A file's language and texts. Raises OSError, and ValueError for another kind of file."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or found.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"{path.name} is no file of translations of version {SCHEMA_VERSION}")
    return str(found["language"]), dict(found["messages"])


def _languages() -> dict[str, Messages]:
    """What Blender is given; a file that cannot be read is logged and left out."""
    languages: dict[str, Messages] = {}
    for path in sorted(LOCALE.glob("*.json")):
        try:
            language, texts = read(path)
        except (OSError, ValueError, KeyError) as error:
            log.warning("The translations in %s are not used: %s", path, error)
            continue
        languages[language] = {
            (context, text): translated
            for context in CONTEXTS
            for text, translated in texts.items()
        }
    return languages


def register() -> None:
    """Blender without translations takes the texts and never asks for one."""
    bpy.app.translations.register(__name__, _languages())


def unregister() -> None:
    bpy.app.translations.unregister(__name__)

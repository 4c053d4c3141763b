# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe: every number of the training, read from ``recipe.toml``."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from .paths import TRAINING_FOLDER


@dataclass(frozen=True)
class Recipe:
    """The parsed recipe and the hash of its text."""

    values: dict[str, Any]
    sha256: str

    @property
    def seed(self) -> int:
        """The one seed from which every stage derives its own."""
        return int(self.values["seed"])

    def identity(self, *tables: tuple[str, ...]) -> str:
        """A short name of the seed and of what these tables hold; caches are called by it."""
        told = [self.seed, *(self.section(*names) for names in tables)]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:10]

    def section(self, *names: str) -> dict[str, Any]:
        """A table of the recipe, such as ``section("speech", "kokoro")``."""
        table = self.values
        for name in names:
            table = table[name]
        return table


def read_recipe(path: Path | None = None) -> Recipe:
    """Read ``recipe.toml``, or another file of the same form.

    A recipe with ``base = "FILE"`` (beside it) changes only what it says. Raises UserError.
    """
    path = path or TRAINING_FOLDER / "recipe.toml"
    try:
        data = path.read_bytes()
        values = tomllib.loads(data.decode())
    except (OSError, ValueError) as error:
        raise UserError(f"The recipe {path} cannot be read: {error}.") from error
    base = values.pop("base", None)
    if base is None:
        return Recipe(values, hashlib.sha256(data).hexdigest())
    below = read_recipe(path.parent / str(base))
    told = hashlib.sha256(below.sha256.encode() + data).hexdigest()
    return Recipe(_changed(below.values, values), told)


def _changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``values`` with ``changes`` in their place, table by table."""
    told = dict(values)
    for name, change in changes.items():
        both = isinstance(change, dict) and isinstance(values.get(name), dict)
        told[name] = _changed(values[name], change) if both else change
    return told

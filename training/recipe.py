# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe: every number of the training, read from ``recipe.toml``."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def section(self, *names: str) -> dict[str, Any]:
        """A table of the recipe, such as ``section("speech", "kokoro")``."""
        table = self.values
        for name in names:
            table = table[name]
        return table


def read_recipe(path: Path | None = None) -> Recipe:
    """Read ``recipe.toml`` (or another file of the same form)."""
    data = (path or TRAINING_FOLDER / "recipe.toml").read_bytes()
    return Recipe(tomllib.loads(data.decode()), hashlib.sha256(data).hexdigest())

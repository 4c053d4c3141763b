# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading fields of a JSON file that may come from anywhere: each is checked when it is asked for.

Every refusal is a UserError that names the file, the field and what it has to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import UserError
from .safe_files import number_list, read_json

_AGAIN = "Download the model again."
_LONGEST_TEXT = 256


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_TEXT and text.isprintable()


@dataclass(frozen=True)
class JsonFields:
    """One object of a JSON file. Sentences name ``path``, the file, and ``hint``, what to do."""

    path: Path
    values: Mapping[str, Any]
    hint: str = _AGAIN

    @classmethod
    def read(cls, path: Path, hint: str = _AGAIN) -> JsonFields:
        """The object that a file holds. Raises UserError (see ``safe_files.read_json``)."""
        return cls(path, read_json(path), hint)

    def section(self, key: str) -> JsonFields:
        """The object under ``key``, which has to be there."""
        section = self.values.get(key)
        if not isinstance(section, dict):
            raise UserError(f"{self.path} lacks the section {key!r}.", self.hint)
        return JsonFields(self.path, section, self.hint)

    def text(self, key: str, default: str | None = None) -> str:
        """A short text; without a default it has to be there."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
            raise UserError(f"{self.path}: {key} has to be a short text.", self.hint)
        return value

    def integer(self, key: str, lowest: int, highest: int, default: int | None = None) -> int:
        """A whole number within limits."""
        number = self.values.get(key, default)
        if isinstance(number, bool) or not isinstance(number, int):
            raise UserError(f"{self.path}: {key} has to be a whole number.", self.hint)
        if not lowest <= number <= highest:
            raise UserError(f"{self.path}: {key} is {number}; it has to be {lowest} to {highest}.")
        return number

    def number(self, key: str, lowest: float, highest: float, default: float) -> float:
        """A number within limits."""
        number = self.values.get(key, default)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise UserError(f"{self.path}: {key} has to be a number.", self.hint)
        if not lowest <= number <= highest:
            raise UserError(
                f"{self.path}: {key} is {number:g}; it has to be {lowest:g} to {highest:g}."
            )
        return float(number)

    def flag(self, key: str, default: bool) -> bool:
        """Yes or no; 0 and 1 are taken too."""
        value = self.values.get(key, default)
        if not isinstance(value, (bool, int)) or value not in (0, 1):
            raise UserError(f"{self.path}: {key} has to be true or false.", self.hint)
        return bool(value)

    def names(
        self, key: str, highest: int, default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """A list of at most ``highest`` different short texts."""
        names = self.values.get(key, None if default is None else list(default))
        if (
            not isinstance(names, list)
            or len(names) > highest
            or not all(isinstance(name, str) and _is_name(name) for name in names)
            or len(set(names)) != len(names)
        ):
            raise UserError(f"{self.path}: {key} has to be a list of different names.")
        return tuple(names)

    def numbers(self, key: str, length: int, default: float) -> tuple[float, ...]:
        """A list of ``length`` numbers, all ``default`` when it is not there.

        True and false are taken as 1 and 0.
        """
        found = self.values.get(key, [default] * length)
        if isinstance(found, list):
            found = [int(value) if isinstance(value, bool) else value for value in found]
        return number_list({key: found}, key, length, str(self.path))

    def integers(self, key: str, length: int, default: int) -> tuple[int, ...]:
        """A list of ``length`` whole numbers, all ``default`` when it is not there."""
        numbers = self.numbers(key, length, default)
        if any(number != int(number) for number in numbers):
            raise UserError(f"{self.path}: {key} has to be a list of {length} whole numbers.")
        return tuple(int(number) for number in numbers)

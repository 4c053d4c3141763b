# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters as a command line has them: ``--set NAME=VALUE``."""

from __future__ import annotations

import difflib

from .errors import UserError
from .parameters import PARAMETERS, Value


def setting_of(text: str) -> tuple[str, Value]:
    """Name and value of "NAME=VALUE"; ranges are not looked at. Raises UserError."""
    name, equals, value = text.partition("=")
    parameter = PARAMETERS.get(name.strip())
    if parameter is None:
        near = difflib.get_close_matches(name.strip(), PARAMETERS, 1)
        hint = f"Did you mean {near[0]}?" if near else "Write it as NAME=VALUE."
        raise UserError(f"--set {text} names no parameter.", hint)
    if not equals:
        raise UserError(f"--set {text} gives no value.", f"Write it as {name.strip()}=VALUE.")
    if parameter.kind == "text":
        return name.strip(), value
    if parameter.kind == "bool" and value.lower() in ("true", "false"):
        return name.strip(), value.lower() == "true"
    return name.strip(), number_of(value, f"--set {text}")


def number_of(text: str, where: str) -> float:
    """A number. Raises UserError that begins with ``where``."""
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{where} gives no number.") from None

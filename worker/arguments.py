# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a job's arguments: each function returns a value of the right kind or raises UserError.

``where`` names the table in the sentence, for example "voice".
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from fractions import Fraction
from typing import Any, cast

from ..core.arrays import AnyArray
from ..core.errors import UserError
from .messages import Arrays, Fields


def only(args: Fields, known: Collection[str], where: str) -> None:
    """Refuse names that nobody would read."""
    for name in args:
        if name not in known:
            raise UserError(f"{where} has no argument {name!r}.")


def table(args: Fields, name: str, where: str) -> Fields:
    """Return a table; an empty one when it is left out."""
    value: Any = args.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{name!r} of {where} must be a table.")
    return cast("Fields", value)


def text(args: Fields, name: str, where: str) -> str | None:
    """Return a text; None when it is left out."""
    value = args.get(name)
    if value is not None and not isinstance(value, str):
        raise UserError(f"{name!r} of {where} must be a text.")
    return value


def texts(args: Fields, name: str, where: str) -> tuple[str, ...]:
    """Return a list of texts; an empty one when it is left out."""
    value: Any = args.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UserError(f"{name!r} of {where} must be a list of texts.")
    return tuple(value)


def full_path(args: Fields, name: str, where: str) -> str | None:
    """Return an absolute path; None when it is left out. The worker has no folder of its own."""
    value = text(args, name, where)
    if value is not None and (not os.path.isabs(value) or "\0" in value):
        raise UserError(f"{name!r} of {where} must be a full path, not {value!r}.")
    return value


def number(args: Fields, name: str, where: str) -> float | None:
    """Return a finite number; None when it is left out."""
    value = args.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UserError(f"{name!r} of {where} must be a number.")
    return float(value)


def whole(args: Fields, name: str, where: str) -> int | None:
    """Return a whole number from 0; None when it is left out."""
    value = args.get(name)
    if value is None:
        return None
    if type(value) is not int or value < 0:
        raise UserError(f"{name!r} of {where} must be a whole number from 0.")
    return value


def frame_rate(args: Fields, name: str, where: str) -> Fraction:
    """Return the frame rate given as [numerator, denominator]."""
    value: Any = args.get(name)
    if (
        isinstance(value, list)
        and len(value) == 2
        and all(type(part) is int and part > 0 for part in value)
    ):
        return Fraction(value[0], value[1])
    raise UserError(
        f"{name!r} of {where} must be two whole numbers above 0, such as [30000, 1001]."
    )


def flag(args: Fields, name: str, where: str) -> bool:
    """Return yes or no; no when it is left out."""
    value = args.get(name, False)
    if not isinstance(value, bool):
        raise UserError(f"{name!r} of {where} must be true or false.")
    return value


def number_table(args: Fields, name: str, where: str) -> dict[str, float]:
    """Return a table of finite numbers; what is null is left out, and so may be the table."""
    found = table(args, name, where)
    numbers = {key: number(found, key, f"{name!r} of {where}") for key in found}
    return {key: value for key, value in numbers.items() if value is not None}


def array(arrays: Arrays, name: str, kinds: str, where: str, *shape: int | None) -> AnyArray | None:
    """Return an array of a shape (None: any length); None when it is left out.

    ``kinds`` are numpy's letters of the types that are accepted, such as "f" for floats.
    """
    value = arrays.get(name)
    if value is None:
        return None
    fits = value.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, value.shape, strict=True)
    )
    if value.dtype.kind not in kinds or not fits:
        wanted = " x ".join("any" if size is None else str(size) for size in shape)
        raise UserError(
            f"The array {name!r} of {where} is {value.dtype} {list(value.shape)} where {wanted}"
            " was expected."
        )
    return value

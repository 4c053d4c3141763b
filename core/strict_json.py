# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as we accept it, from files and from the worker's link: the standard and nothing beside it.

Python's own reader takes NaN, numbers beyond any float, and names that stand twice.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

_LONGEST_WHOLE = 20  # characters of a number of 64 bits


def parse(data: bytes | bytearray, max_depth: int) -> Any:
    """Parse JSON text in UTF-8.

    Raises ValueError for what is no JSON, for NaN and infinite numbers, for whole numbers of more
    than 64 bits, for a name that stands twice in one object, and for brackets nested more than
    ``max_depth`` deep.
    """
    if _is_deeper(bytes(data), max_depth):
        raise ValueError("it is nested too deeply")
    return json.loads(
        data.decode("utf-8-sig"),
        object_pairs_hook=_unique,
        parse_constant=_refuse_constant,
        parse_float=_finite,
        parse_int=_whole,
    )


def _is_deeper(data: bytes, limit: int) -> bool:
    """Whether brackets are nested deeper than a limit, not counting those inside of strings."""
    plain = re.sub(rb"\\.", b"", data, flags=re.DOTALL) if b"\\" in data else data
    marks = plain.translate(None, delete=bytes(set(range(256)) - set(b'[]{}"')))
    depth = 0
    for piece in marks.split(b'"')[::2]:
        for mark in piece:
            depth += 1 if mark in b"[{" else -1
            if depth > limit:
                return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} appears twice")
    return result


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _whole(text: str) -> int:
    # By its length first: thousands of digits take long to read
    number = int(text) if len(text) <= _LONGEST_WHOLE else 1 << 64
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError(f"{text[:20]} is too large a number")
    return number

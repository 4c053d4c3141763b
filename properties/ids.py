# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids of players, pipelines and characters: they link one to the other and survive renaming."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any


def new_id() -> str:
    """An id that nothing else has."""
    return uuid.uuid4().hex[:12]


def find(items: Iterable[Any], item_id: str) -> Any:
    """The item of an id; None when there is none."""
    return next((item for item in items if item_id and item.id == item_id), None)


def index_of(items: Iterable[Any], item_id: str) -> int:
    """Place of the item of an id; -1 when there is none."""
    return next((at for at, item in enumerate(items) if item_id and item.id == item_id), -1)


def free_name(items: Iterable[Any], wanted: str) -> str:
    """The name, or the next number of it that no item has."""
    taken = {item.name for item in items}
    if wanted not in taken:
        return wanted
    stem = wanted.rstrip("0123456789").rstrip() or wanted
    number = 2
    while f"{stem} {number}" in taken:
        number += 1
    return f"{stem} {number}"

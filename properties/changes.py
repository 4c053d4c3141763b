# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whoever listens that the user has changed what a pipeline makes.

Properties cannot know who wants to know (the preview does), so those put themselves on the list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Listener = Callable[[Any, str], None]
LISTENERS: list[Listener] = []


def tell(item: Any, name: str) -> None:
    """``item`` is the property group, ``name`` the property that was changed by hand."""
    for listener in tuple(LISTENERS):
        listener(item, name)


def telling(name: str) -> Callable[[Any, Any], None]:
    """An ``update`` callback for a property of this name."""
    return lambda item, _context: tell(item, name)


def register() -> None:
    LISTENERS.clear()


def unregister() -> None:
    LISTENERS.clear()

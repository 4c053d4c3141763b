# SPDX-License-Identifier: GPL-3.0-or-later
"""The two exceptions that are no bugs: what the user can mend, and what the user stopped; and lists
of names in their sentences."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """Something the user can mend, said in one clear sentence that names the file and the reason.

    ``message`` is the sentence; ``hint`` (may be empty) says what to do about it.
    ``str(error)`` is both.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class Cancelled(Exception):
    """The caller's ``cancelled()`` said yes; nothing was written."""


def shortly(names: Sequence[str], most: int = 8) -> str:
    """Names as a list in a sentence that stays short."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

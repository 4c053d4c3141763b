# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files that every system takes, so that what is written here can be read there."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows


def name_problem(name: str) -> str:
    """Why some system refuses a name, without folders, for a file, as a phrase; "" when none does.

    It may be the name without its ending."""
    bad = _FORBIDDEN.search(name)
    if bad:
        return f"{bad[0]!r} cannot be part of it"
    if not name or name != name.strip() or name.endswith(".") or _DEVICE.fullmatch(name):
        return "some systems do not take it"
    return ""


def cleaned_name(name: str, most: int = 200) -> str:
    """A name that every system takes, as near to ``name`` as can be and of at most ``most``
    characters; "" when nothing is left of it."""
    plain = _FORBIDDEN.sub("_", name.strip())[:most].strip(" .")
    device = _DEVICE.fullmatch(plain)
    return f"{device[1]}_{device[2] or ''}" if device else plain

# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says when one of its operators refuses; it comes as a RuntimeError."""

from __future__ import annotations

import re

_ENDS = re.compile(r"(?m)^(?:\w+\.)*\w*(?:Error|Exception): (.+)$")


def said(error: RuntimeError) -> str:
    """All that the operator reported."""
    return str(error).strip().removeprefix("Error: ")


def reason_of(error: RuntimeError) -> str:
    """The first line of it, as a phrase for a sentence of ours. Of a script's traceback, which
    Blender cuts off where it is long, that is its end."""
    text = said(error)
    if "Traceback" in text:
        ends = _ENDS.findall(text)
        return ends[-1].rstrip(". ") if ends else "its exporter failed; perhaps the disk is full"
    return text.splitlines()[0].rstrip(". ") if text else "unknown reason"

# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says when one of its operators refuses; it comes as a RuntimeError."""

from __future__ import annotations


def said(error: RuntimeError) -> str:
    """All that the operator reported."""
    return str(error).strip().removeprefix("Error: ")


def reason_of(error: RuntimeError) -> str:
    """The first line of it, as a phrase for a sentence of ours."""
    lines = said(error).splitlines()
    return lines[0].rstrip(". ") if lines else "unknown reason"

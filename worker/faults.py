# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a job, as a sentence and whose fault it is."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..core.errors import Cancelled, UserError

TRACEBACK_LIMIT = 1 << 16
TEXT_LIMIT = 4000
NO_MEMORY = "There is not enough memory. Use a shorter voice or close other programs."
NO_DEVICE_MEMORY = (
    "There is not enough memory on the graphics card for this. Choose the CPU as device, or close"
    " other programs that use the graphics card."
)
# What ONNX Runtime and the drivers say when memory is short; lower case
_MEMORY_WORDS = (
    "out of memory",
    "failed to allocate memory",
    "alloc_failed",
    "bad_alloc",
    "bad allocation",
    "not enough memory",
    "8007000e",
)
_DEVICE_WORDS = ("cuda", "cublas", "cudnn", "gpu", "tensorrt", "dml", "directml")


@dataclass(frozen=True)
class Fault:
    """``kind`` "cancelled", "user" (can be mended by the user) or "internal" (a bug of ours)."""

    kind: Literal["cancelled", "user", "internal"]
    text: str
    traceback: str = ""


def fault_of(error: Exception, job: str, device: str = "") -> Fault:
    """Describe what a job raised. ``device`` is what the job was asked to compute on."""
    if isinstance(error, Cancelled):
        return Fault("cancelled", "Cancelled.")
    text = str(error)
    if isinstance(error, MemoryError) or _short_of_memory(error):
        on_device = device not in ("", "cpu", "auto") or _mentions(error, _DEVICE_WORDS)
        return Fault("user", NO_DEVICE_MEMORY if on_device else NO_MEMORY)
    if isinstance(error, UserError):
        return Fault("user", text[:TEXT_LIMIT])
    sentence = f"The job {job!r} failed unexpectedly ({type(error).__name__}: {text})."
    trace = "".join(traceback.format_exception(error))
    return Fault("internal", sentence[:TEXT_LIMIT], trace[-TRACEBACK_LIMIT:])


def _short_of_memory(error: Exception) -> bool:
    """Whether what a library said, plainly or as the cause of our own sentence, means memory.

    Our own sentences alone do not count: they may quote a name that the user gave.
    """
    if isinstance(error, UserError) and error.__cause__ is None:
        return False
    return _mentions(error, _MEMORY_WORDS)


def _mentions(error: BaseException, words: tuple[str, ...]) -> bool:
    return any(word in text for text in _texts(error) for word in words)


def _texts(error: BaseException) -> Iterator[str]:
    """The library's words behind an error: causes down to the first, our own left out."""
    seen: BaseException | None = error
    while seen is not None:
        if not isinstance(seen, UserError):
            yield str(seen).lower()
        seen = seen.__cause__

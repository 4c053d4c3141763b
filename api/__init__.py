# SPDX-License-Identifier: GPL-3.0-or-later
"""Facewright for scripts: ``from bl_ext.user_default.facewright import api``.

Everything that is public is named here; ``docs/scripting.md`` shows it with examples. What can be
wrong with a call is raised as ``UserError`` with one sentence; what goes wrong later is told by the
job or the session.
"""

from __future__ import annotations

from ..core.errors import UserError
from ..operators.pump import pump
from ..operators.transfer_run import Order as TransferOrder
from ..operators.transfer_run import Outcome as TransferOutcome
from .animate import allocate, animate, free
from .burst import Burst, Clock
from .emotion import EmotionParameters
from .jobs import Job
from .providers import default_provider, providers
from .samples import Samples
from .session_line import SessionResult
from .session_run import FrameBlock
from .sessions import Session
from .transfer import transfer

__all__ = [
    "Burst",
    "Clock",
    "EmotionParameters",
    "FrameBlock",
    "Job",
    "Samples",
    "Session",
    "SessionResult",
    "TransferOrder",
    "TransferOutcome",
    "UserError",
    "allocate",
    "animate",
    "default_provider",
    "free",
    "providers",
    "pump",
    "transfer",
]

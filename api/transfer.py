# SPDX-License-Identifier: GPL-3.0-or-later
"""Character transfer for scripts."""

from __future__ import annotations

import bpy

from ..operators.pump import require_main_thread
from ..operators.transfer_run import Order, Outcome, Tell, run_transfer


def transfer(order: Order, progress: Tell | None = None) -> Outcome:
    """Bring a head to life and wait until it is done.

    ``progress`` is called with 0 to 1 and what is being done. Raises UserError with one sentence
    for what is wrong, and leaves the scene as it was.
    """
    require_main_thread("api.transfer")
    return run_transfer(bpy.context.scene, order, progress)

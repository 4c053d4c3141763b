# SPDX-License-Identifier: GPL-3.0-or-later
"""The job "probe", and how jobs are told of a voice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import Cancelled, UserError
from . import arguments
from .calls import Call, Reply
from .messages import Fields

if TYPE_CHECKING:
    from ..core.voice.audio import Voice

PATIENCE_S = 600.0  # an hour of voice on a slow disk
COLUMNS = 4_096  # of an envelope


def voice_of(call: Call) -> Voice:
    """Make the voice of {path | name, start_s, end_s, channel} and the array "voice_bytes"."""
    from ..core.voice.audio import Voice

    where = "voice"
    args = arguments.table(call.args, where, "the job")
    arguments.only(args, ("path", "name", "start_s", "end_s", "channel"), where)
    path = arguments.full_path(args, "path", where)
    block = call.arrays.get("voice_bytes")
    if (path is None) == (block is None):
        raise UserError("The voice needs either a file or its bytes.")
    if block is not None and block.dtype != np.uint8:
        raise UserError("The bytes of the voice are not an array of uint8.")
    name = arguments.text(args, "name", where) or Path(path or "voice").name
    return Voice(
        path=path,
        data=None if block is None else block.tobytes(),
        name=name,
        start_s=arguments.number(args, "start_s", where) or 0.0,
        end_s=arguments.number(args, "end_s", where),
        channel=arguments.whole(args, "channel", where),
    )


def probe(call: Call) -> Reply:
    """{voice, columns} -> {rate, channels, duration_s, sha256}, array "envelope" (n, 2).

    The envelope is the lowest and highest value in each of n equal parts of the chosen range, to
    draw a waveform of: n is ``columns``, 1 to 4096 (1024 when left out), or the range's samples
    where they are fewer.
    """
    from ..core.voice.audio import probe_voice

    arguments.only(call.args, ("voice", "columns"), "probe")
    columns = arguments.whole(call.args, "columns", "probe")
    if columns is not None and not 1 <= columns <= COLUMNS:
        raise UserError(f"'columns' of probe must be between 1 and {COLUMNS}.")

    def between(share: float) -> None:
        if call.cancelled():
            raise Cancelled
        call.progress(share, "Reading the voice", PATIENCE_S)

    between(0.0)
    info = probe_voice(voice_of(call), columns or 1_024, between)
    result: Fields = {
        "rate": int(info.rate),
        "channels": int(info.channels),
        "duration_s": float(info.duration_s),
        "sha256": info.sha256,
    }
    return result, {"envelope": info.envelope}

# SPDX-License-Identifier: GPL-3.0-or-later
"""The job "read_face": the face in a file, read where it does not hold up Blender's window."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import UserError
from . import arguments
from .calls import Call, Reply
from .face_reply import face_reply

PATIENCE_S = 300.0  # an hour of weights as text


def read_face(call: Call) -> Reply:
    """{path, fps} -> {names, fps, duration_s, notices, jaw_rest}, arrays weights, jaw, eyes, head.

    A weights file (see ``core.exchange.weights``; of USD only text), or a take's own (.npz).
    ``fps`` [numerator, denominator] is the rate of a CSV, where it is known.
    """
    from ..core.exchange.weights import read_weight_file
    from ..core.take_file import read_take

    where = "read_face"
    arguments.only(call.args, ("path", "fps"), where)
    path = arguments.full_path(call.args, "path", where)
    if path is None:
        raise UserError("No file is named.", "Choose one.")
    fps = arguments.frame_rate(call.args, "fps", where) if "fps" in call.args else None
    call.progress(0.0, "Reading the file", PATIENCE_S)
    if Path(path).suffix.lower() == ".npz":
        face = read_take(path).face
    else:
        face = read_weight_file(path, fps)
    return face_reply(face)

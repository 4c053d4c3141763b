# SPDX-License-Identifier: GPL-3.0-or-later
"""A face as the result of a job; ``operators/animation_job.face_track`` takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calls import Reply
from .messages import Arrays, Fields

if TYPE_CHECKING:
    from ..core.face.track import FaceTrack


def face_reply(face: FaceTrack) -> Reply:
    """{names, fps [numerator, denominator], duration_s, notices, jaw_rest}, arrays weights, jaw,
    eyes, and head where it moves."""
    fields: Fields = {
        "names": list(face.names),
        "fps": [face.fps.numerator, face.fps.denominator],
        "duration_s": float(face.duration_s),
        "notices": list(face.notices),
        "jaw_rest": list(face.jaw_rest) if face.jaw_rest else None,
    }
    arrays: Arrays = {"weights": face.weights, "jaw": face.jaw, "eyes": face.eyes}
    if face.head is not None:
        arrays["head"] = face.head
    return fields, arrays

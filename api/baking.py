# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a finished live session as keyframes, in steps, as a take of a whole voice is written."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from dataclasses import dataclass

import bpy
import numpy as np

from ..core.errors import Cancelled, UserError
from ..core.face.track import FaceTrack
from ..core.take_label import TakeLabel
from ..operators.faults import report_fault, sentence
from ..operators.rendering import rendering
from ..scene.actions import Written, write_steps
from ..scene.parts import parts_of
from ..scene.references import reference
from .session_run import Outcome

NAME = "session"  # stands where an action says which voice it was made from


@dataclass(frozen=True)
class Baked:
    """How the writing ended: ``error`` is empty when it succeeded."""

    take_id: str = ""
    error: str = ""
    notices: tuple[str, ...] = ()


class Baker:
    """Writes sessions onto one face, one after the other. On Blender's main thread.

    ``start_frame`` None is the scene's present one. Raises UserError when the face cannot be
    animated.
    """

    def __init__(
        self,
        face: bpy.types.Object,
        scene: bpy.types.Scene,
        start_frame: float | None,
        head_target: bpy.types.Object | None = None,
        head_bone: str = "",
    ) -> None:
        self._parts = parts_of(face, head_target, head_bone)
        self._scene = reference(scene)
        self._start = float(scene.frame_current) if start_frame is None else float(start_frame)
        self._writing: Generator[float, None, Written] | None = None
        self._take_id = ""

    @property
    def busy(self) -> bool:
        return self._writing is not None

    def step(self, outcome: Outcome, rate: int) -> Baked | None:
        """Write a little of a session; how it ended when that is over, else None."""
        try:
            if rendering():
                return None
            if self._writing is None:
                self._writing = self._begin(outcome, rate)
            next(self._writing)
            return None
        except StopIteration as end:
            baked = Baked(self._take_id, "", end.value.notices)
        except UserError as error:
            baked = Baked(error=sentence(error))
        except Cancelled as error:
            baked = Baked(error=str(error) or "Cancelled.")
        except Exception as error:
            baked = Baked(error=report_fault(error))
        self._writing = None
        return baked

    def close(self) -> None:
        """Leave nothing half written."""
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def _begin(self, outcome: Outcome, rate: int) -> Generator[float, None, Written]:
        self._take_id = uuid.uuid4().hex
        model = outcome.result.get("model")
        name = str(model.get("name", "")) if isinstance(model, dict) else ""
        label = TakeLabel(self._take_id, "", NAME, name)
        track = joined([block.track for block in outcome.blocks], outcome.samples / rate)
        character = self._parts.character(track.names)
        return write_steps(character, track, self._scene.get(), self._start, label)


def joined(tracks: list[FaceTrack], duration_s: float) -> FaceTrack:
    """All frames of a session as one animation."""
    first = tracks[0]
    heads = [track.head for track in tracks if track.head is not None]
    return FaceTrack(
        names=first.names,
        weights=np.concatenate([track.weights for track in tracks]),
        jaw=np.concatenate([track.jaw for track in tracks]),
        eyes=np.concatenate([track.eyes for track in tracks]),
        fps=first.fps,
        duration_s=duration_s,
        head=np.concatenate(heads) if heads else None,
        jaw_rest=first.jaw_rest,
    )

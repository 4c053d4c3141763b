# SPDX-License-Identifier: GPL-3.0-or-later
"""The job behind Animate: from a request to keyframes, in steps that never wait.

Window, command line and Python run the same steps; between two of them Blender's user may do
anything. Closing the generator cancels the job and leaves the scene as it was.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.audio import Voice
from ..core.errors import Cancelled, UserError
from ..core.face_track import FaceTrack
from ..core.parameters import Settings
from ..providers.base import Ticket
from ..scene.actions import TakeLabel, Written, write_steps
from ..scene.characters import Character, find_character
from ..scene.places import model_folder, take_path
from ..scene.rates import scene_rate
from ..scene.references import Reference, reference
from ..scene.sounds import VoiceSource, extend_range, place_strip, resolve
from .faults import WorkerFault
from .worker_host import worker

WORKER_SHARE = 0.9  # of the progress; the rest is writing keyframes


@dataclass(frozen=True)
class Request:
    """What to animate, how. None and empty values mean: the scene's, the strip's, the model's."""

    scene: Reference
    face: Reference
    source: VoiceSource
    fps: Fraction | None = None
    start_frame: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    threads: int = 0
    place_sound: bool = True


@dataclass(frozen=True)
class Progress:
    fraction: float
    text: str


@dataclass(frozen=True)
class Result:
    """What was made. ``members`` are the names of the face's objects, ``unmatched`` keys of its
    mesh that mean no pose, ``missing`` ARKit poses that it does not have. ``notices`` are worth
    a look, ``remarks`` only say what was done beside the keyframes."""

    take_id: str
    written: Written
    face: FaceTrack
    members: tuple[str, ...]
    voice_path: str
    found_count: int
    missing: tuple[str, ...]
    unmatched: tuple[str, ...]
    notices: tuple[str, ...]
    remarks: tuple[str, ...]
    seconds: float

    @property
    def sentence(self) -> str:
        count = self.face.frame_count
        return f"{count} frames in {self.seconds:.1f} s, {self.found_count} of 52 shapes"


Steps = Generator[Progress, None, Result]


def make_request(
    scene: bpy.types.Scene, obj: bpy.types.Object | None, source: VoiceSource, **options: Any
) -> Request:
    """Check everything that can be checked at once. Raises UserError."""
    find_character(obj)
    resolve(source, scene)
    model_folder(options.get("model", ""))
    Settings.from_mapping(options.get("settings", {}))
    return Request(reference(scene), reference(obj), source, **options)


def animation_steps(request: Request) -> Steps:
    """Do it, yielding progress. Raises UserError, WorkerFault and Cancelled."""
    began = time.monotonic()
    scene = request.scene.get()
    find_character(request.face.get())
    resolved = resolve(request.source, scene)
    start_frame = request.start_frame
    if start_frame is None:
        start_frame = resolved.start_frame
    if start_frame is None:
        start_frame = float(scene.frame_start)
    take_id = uuid.uuid4().hex
    path = take_path(take_id)
    args, arrays = _job(request, resolved.voice, request.fps or scene_rate(scene), path)
    del scene
    done = False
    try:
        ticket = yield from _worked(request, args, arrays)
        face = face_track(ticket)
        label = TakeLabel(
            take_id,
            _hash(ticket.result.get("settings", {})),
            Path(resolved.voice.label).stem,
            str(ticket.result.get("model", {}).get("name", "")),
        )
        character = find_character(request.face.get(), face.names)
        info = _about(character)
        writing = write_steps(character, face, request.scene.get(), start_frame, label)
        del character
        written = yield from _keyframes(writing)
        done = True
    finally:
        if not done:
            with suppress(OSError):
                path.unlink()
    scene = request.scene.get()
    remarks = extend_range(scene, written.first_frame, written.last_frame)
    sound_notices = _make_audible(request, start_frame)
    return Result(
        take_id=take_id,
        written=written,
        face=face,
        voice_path=resolved.voice.path or resolved.voice.label,
        notices=(*face.notices, *info["notices"], *written.notices, *sound_notices),
        remarks=remarks,
        seconds=time.monotonic() - began,
        members=info["members"],
        found_count=info["found_count"],
        missing=info["missing"],
        unmatched=info["unmatched"],
    )


def _job(
    request: Request, voice: Voice, fps: Fraction, path: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    where: dict[str, Any] = {
        "name": voice.label,
        "start_s": voice.start_s,
        "end_s": voice.end_s,
        "channel": voice.channel,
    }
    arrays = {}
    if voice.data is None:
        where["path"] = voice.path
    else:
        arrays["voice_bytes"] = np.frombuffer(voice.data, np.uint8)
    args = {
        "voice": where,
        "model": str(model_folder(request.model)),
        "fps": [fps.numerator, fps.denominator],
        "settings": dict(request.settings),
        "take_path": str(path),
    }
    return args, arrays


def _worked(
    request: Request, args: dict[str, Any], arrays: dict[str, Any]
) -> Generator[Progress, None, Ticket]:
    """Let the worker do the job; ends it there when anything ends it here."""
    provider = worker(request.threads)
    ticket = provider.submit("animate", args, arrays)
    try:
        while not ticket.finished:
            provider.poll()
            request.scene.get()
            request.face.get()
            yield Progress(ticket.progress * WORKER_SHARE, ticket.stage or "Starting")
    finally:
        if not ticket.finished:
            provider.cancel(ticket)
            provider.poll()
    if ticket.state == "cancelled":
        raise Cancelled("Cancelled.")
    if ticket.state == "failed":
        if ticket.kind == "user":
            raise UserError(ticket.error)
        raise WorkerFault(ticket.error, ticket.traceback)
    return ticket


def _keyframes(writing: Generator[float, None, Written]) -> Generator[Progress, None, Written]:
    try:
        while True:
            fraction = next(writing)
            yield Progress(WORKER_SHARE + (1 - WORKER_SHARE) * fraction, "Writing keyframes")
    except StopIteration as end:
        return end.value
    finally:
        writing.close()


def face_track(ticket: Ticket) -> FaceTrack:
    """The animation that a finished "animate" job brought back."""
    result: Mapping[str, Any] = ticket.result
    return FaceTrack(
        names=tuple(result["names"]),
        weights=ticket.arrays["weights"],
        jaw=ticket.arrays["jaw"],
        eyes=ticket.arrays["eyes"],
        fps=Fraction(*result["fps"]),
        duration_s=float(result["duration_s"]),
        notices=tuple(result["notices"]),
    )


def _hash(settings: Mapping[str, Any]) -> str:
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _about(character: Character) -> dict[str, Any]:
    return {
        "members": tuple(obj.name for obj in character.members),
        "found_count": character.found_count,
        "missing": character.missing,
        "unmatched": character.unmatched,
        "notices": character.notices,
    }


def _make_audible(request: Request, start_frame: float) -> tuple[str, ...]:
    """The face is animated already: what goes wrong with its sound is worth a notice, no more."""
    if not request.place_sound:
        return ()
    try:
        owner = request.face.get().name
        return place_strip(request.scene.get(), request.source, start_frame, owner)
    except (RuntimeError, UserError) as error:
        return (f"The voice was not put into the sequencer: {error}",)

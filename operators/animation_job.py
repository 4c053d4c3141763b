# SPDX-License-Identifier: GPL-3.0-or-later
"""The job behind Animate: from a request to keyframes, in steps that never wait.

Window, command line and Python run the same steps; between two of them Blender's user may do
anything. Closing the generator cancels the job and leaves the scene as it was.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import UserError
from ..core.face.track import FaceTrack, jaw_rest_of
from ..core.naming import CANONICAL_NAMES
from ..core.network.devices import label_of
from ..core.parameters import checked_values
from ..core.take_label import REPLACE, SHAPE_KEYS, Origin
from ..core.voice.audio import Voice
from ..properties.library import check_licence, name_of
from ..properties.progress import note_speed
from ..providers.base import Ticket
from ..scene.actions import Written, write_steps
from ..scene.characters import Character
from ..scene.parts import Parts
from ..scene.places import model_folder, remove_take, take_path
from ..scene.rates import scene_rate
from ..scene.references import Reference, reference
from ..scene.sounds import Resolved, VoiceSource, extend_range, place_strip, resolve
from . import hearing, vertex_files
from .asking import Progress, ask, part_of
from .preview import PREVIEW
from .rendering import until_rendered
from .take_labels import fingerprint_of, label_for
from .vertex_animation import VertexPlan, check_output, plan_of
from .voices import voice_fields

if TYPE_CHECKING:
    from ..core.emotion.source import EmotionSource

LAST_FRAME = 1_048_574  # of Blender's time line
WORKER_SHARE = 0.9  # of the progress; the rest is writing keyframes


@dataclass(frozen=True)
class Request:
    """What to animate, how. None and empty values mean: the scene's, the strip's, the model's.

    ``faces`` all get the same motion. ``source`` is a voice that Blender knows, or any other.
    ``rigs`` overrides poses of the solver, as the worker's job takes them. ``device`` "" is the
    best that works here. ``low_delay`` listens with the model's network for live use, as a live
    session does. ``owner`` is the id of the player whose voice it is, "" for none.
    ``origin`` is what the take remembers of who asked; ``bake`` what becomes of the take before;
    ``keep`` keeps what the network gave in a file, so that later stages can be done again.
    ``output`` is what moves: shape keys, vertices by point caches, or both.
    """

    scene: Reference
    faces: tuple[Parts, ...]
    source: VoiceSource | Voice
    fps: Fraction | None = None
    start_frame: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    identity: str = ""
    emotion: EmotionSource | None = None
    rigs: Mapping[str, Any] = field(default_factory=dict)
    device: str = ""
    threads: int = 0
    place_sound: bool = True
    owner: str = ""
    low_delay: bool = False
    origin: Origin = field(default_factory=Origin)
    bake: str = REPLACE
    keep: bool = True
    output: str = SHAPE_KEYS

    def characters(self, poses: Sequence[str] = CANONICAL_NAMES) -> list[Character]:
        """The faces as they are now. Raises UserError, and SceneChanged when a part is gone."""
        return [parts.character(poses) for parts in self.faces]

    @property
    def voice_owner(self) -> str:
        """Whose the voice's strip in the sequencer is."""
        return self.owner or str(self.faces[0].skin.get().name)


@dataclass(frozen=True)
class Result:
    """What was made. ``members`` are the names of the face's objects, ``unmatched`` keys of its
    mesh that mean no pose, ``missing`` ARKit poses that it does not have. ``notices`` are worth
    a look, ``remarks`` only say what was done beside the keyframes. ``device`` is where the network
    really ran, ``network_ms`` its milliseconds per frame and ``network_speed`` how many times
    faster than the voice it was (0: it did not run). ``emotion_times`` (K,) seconds and
    ``emotion_values`` (K, E) are what it was given of the emotions ``emotion_names``;
    ``emotion_model`` is the name of the model that read emotion from the voice, empty for none."""

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
    device: str = ""
    network_ms: float = 0.0
    network_speed: float = 0.0
    emotion_names: tuple[str, ...] = ()
    emotion_times: Any = None
    emotion_values: Any = None
    emotion_model: str = ""

    @property
    def sentence(self) -> str:
        count = self.face.frame_count
        return f"{count} frames in {self.seconds:.1f} s, {self.found_count} of 52 shapes"

    @property
    def network_sentence(self) -> str:
        """How fast the network was and where it ran; empty when it did not run."""
        if not self.device or self.network_ms <= 0:
            return ""
        where = "the processor (CPU)" if self.device == "cpu" else label_of(self.device)
        return (
            f"Network {_short(self.network_ms)} ms per frame, {_short(self.network_speed)} x real "
            f"time, on {where}"
        )


Steps = Generator[Progress, None, Result]


def make_request(
    scene: bpy.types.Scene,
    faces: Sequence[Parts],
    source: VoiceSource | Voice,
    *,
    accept_licence: bool = False,
    **options: Any,
) -> Request:
    """Check everything that can be checked at once. Raises UserError.

    ``accept_licence`` accepts the terms of the models that are used.
    """
    resolved_voice(source, scene)
    options["settings"] = checked_values(options.get("settings", {}))
    _check_start(options.get("start_frame"))
    check_output(options.get("output", SHAPE_KEYS), options.get("bake", REPLACE))
    request = Request(reference(scene), tuple(faces), source, **options)
    check_terms(request.model, request.emotion, accept_licence)
    return request


def _check_start(frame: float | None) -> None:
    """Refuse a first frame that Blender has no keyframes for, such as NaN."""
    if frame is not None and not -LAST_FRAME <= frame <= LAST_FRAME:
        raise UserError(
            f"The start frame is {frame:g}; it has to be between -{LAST_FRAME} and {LAST_FRAME}."
        )


def check_terms(model: str, emotion: EmotionSource | None, accept: bool) -> None:
    """Raise UserError unless the models are there and their terms were accepted."""
    check_licence(model_folder(model), accept)
    if emotion is not None and emotion.model and emotion.mode != "off":
        check_licence(model_folder(emotion.model), accept)


def animation_steps(request: Request) -> Steps:
    """Do it, yielding progress. Raises UserError, WorkerFault and Cancelled."""
    began = time.monotonic()
    scene = request.scene.get()
    request.characters()
    resolved = resolved_voice(request.source, scene)
    start_frame, begin = first_frames(request, resolved, scene)
    take_id = uuid.uuid4().hex
    kept = request.keep or request.output != SHAPE_KEYS  # point caches lie beside the take
    path = take_path(take_id) if kept else Path()
    fingerprint = fingerprint_of(request)
    args, arrays = job_fields(request, resolved.voice, request.fps or scene_rate(scene))
    plan = plan_of(request, take_id, path.parent)
    args.update(plan.args)
    if kept:
        args["take_path"] = str(path)
    arrays.update(plan.arrays)
    del scene
    done = False
    try:
        ticket = yield from _worked(request, args, arrays, plan)
        face = face_track(ticket)
        label = label_for(request, ticket, resolved.voice.label, take_id, fingerprint)
        label = replace(label, caches=plan.label_caches, folder=plan.folder)
        characters = request.characters(face.names)
        info = _about(characters)
        writing = write_steps(
            request.faces, face, request.scene.get(), begin, label, request.bake,
            plan.faces,
        )  # fmt: skip
        del characters
        written = yield from _keyframes(writing)
        done = True
        vertex_files.written(plan.paths)
    finally:
        if not done:
            remove_take(path)
            plan.remove_files()
    scene = request.scene.get()
    PREVIEW.animated(scene, request.origin.pipeline_id)
    emotion_model = _listening(request.emotion)
    remarks = extend_range(scene, written.first_frame, written.last_frame)
    if emotion_model:
        remarks = (*remarks, f"Emotion was read from the voice by {emotion_model}.")
    sound_notices = _make_audible(request, start_frame)
    result = Result(
        take_id=take_id,
        written=written,
        face=face,
        voice_path=resolved.voice.path or resolved.voice.label,
        notices=(*face.notices, *info["notices"], *plan.notices, *written.notices, *sound_notices),
        remarks=remarks,
        seconds=time.monotonic() - began,
        members=info["members"],
        found_count=info["found_count"],
        missing=info["missing"],
        unmatched=info["unmatched"],
        device=str(ticket.result.get("device", "")),
        network_ms=float(ticket.result.get("network_ms_per_frame", 0.0)),
        network_speed=float(ticket.result.get("network_real_time", 0.0)),
        emotion_names=tuple(ticket.result.get("emotion_names", ())),
        emotion_times=ticket.arrays.get("emotion_times"),
        emotion_values=ticket.arrays.get("emotion_values"),
        emotion_model=emotion_model,
    )
    note_speed(request.origin.pipeline_id, request.model, result.network_sentence)
    return result


def _short(number: float) -> str:
    """A measured number as people read it: 0.02, 1.4, 86."""
    if number < 0.095:
        return f"{number:.2f}"
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}"


def resolved_voice(source: VoiceSource | Voice, scene: bpy.types.Scene) -> Resolved:
    return Resolved(source) if isinstance(source, Voice) else resolve(source, scene)


def first_frames(
    request: Request, resolved: Resolved, scene: bpy.types.Scene
) -> tuple[float, float]:
    """The frames where the voice begins, and where the part of it begins that is used."""
    start_frame = request.start_frame
    if start_frame is None:
        start_frame = resolved.start_frame
    if start_frame is None:
        start_frame = float(scene.frame_start)
    return start_frame, start_frame + resolved.offset_s * float(scene_rate(scene))


def job_fields(
    request: Request, voice: Voice, fps: Fraction
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the worker's jobs about a face are given: arguments and arrays."""
    where, arrays = voice_fields(voice)
    settings = dict(request.settings)
    if request.identity:
        settings["identity"] = request.identity
    args: dict[str, Any] = {
        "voice": where,
        "model": str(model_folder(request.model)),
        "fps": [fps.numerator, fps.denominator],
        "settings": settings,
        # So that a slider that was moved after a take does not ask the network again
        "workbench": request.origin.pipeline_id or f"face {request.faces[0].skin.uid}",
    }
    if request.rigs:
        args["rigs"] = dict(request.rigs)
    if request.device:
        args["device"] = request.device
    if request.low_delay:
        args["low_delay"] = True
    if request.emotion is not None:
        args["emotion"], keys = emotion_fields(request.emotion)
        arrays.update(keys)
    return args, arrays


def _listening(source: EmotionSource | None) -> str:
    """Name of the model that reads emotion from the voice; empty when none does."""
    if source is None or not source.model or source.mode == "off":
        return ""
    return name_of(model_folder(source.model))


def emotion_fields(source: EmotionSource) -> tuple[dict[str, Any], dict[str, Any]]:
    """An emotion's source as arguments and arrays of the worker's jobs."""
    fields: dict[str, Any] = {"mode": source.mode, "overrides": dict(source.overrides)}
    if source.model and source.mode != "off":
        fields["model"] = str(model_folder(source.model))
    if source.preferred is not None:
        fields["preferred"] = [float(value) for value in source.preferred]
    if source.keys is None:
        return fields, {}
    return fields, {"emotion_times": source.keys.times_s, "emotion_values": source.keys.values}


def _worked(
    request: Request, args: dict[str, Any], arrays: dict[str, Any], plan: VertexPlan
) -> Generator[Progress, None, Ticket]:
    """Let the worker do the job as long as the scene and the face are there."""

    def still_there() -> None:
        request.scene.get()
        for parts in request.faces:
            parts.skin.get()

    def remove() -> None:
        remove_take(args.get("take_path", ""))
        plan.remove_files()

    asking = ask(
        "animate",
        args,
        arrays,
        device=request.device,
        threads=request.threads,
        between=still_there,
        undo=remove,
    )
    return (yield from part_of(asking, 0.0, WORKER_SHARE))


def _keyframes(writing: Generator[float, None, Written]) -> Generator[Progress, None, Written]:
    try:
        while True:
            yield from until_rendered(WORKER_SHARE)
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
        head=ticket.arrays.get("head"),
        jaw_rest=jaw_rest_of(ticket.result),
    )


def _about(characters: Sequence[Character]) -> dict[str, Any]:
    """What the result tells of the faces; of the first where they differ."""
    first = characters[0]
    return {
        "members": tuple(obj.name for each in characters for obj in each.members),
        "found_count": first.found_count,
        "missing": first.missing,
        "unmatched": first.unmatched,
        "notices": tuple(dict.fromkeys(text for each in characters for text in each.notices)),
    }


def _make_audible(request: Request, start_frame: float) -> tuple[str, ...]:
    """The face is animated already: what goes wrong with its sound is worth a notice, no more."""
    if not request.place_sound or isinstance(request.source, Voice):
        return ()
    try:
        scene, owner = request.scene.get(), request.voice_owner
        notices = place_strip(scene, request.source, start_frame, owner)
        hearing.level(scene)
        return notices
    except (RuntimeError, UserError) as error:
        return (f"The voice was not put into the sequencer: {error}",)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a face's weights and reading them in again, in steps: for buttons and command line."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..core.errors import UserError, shortly
from ..core.exchange.channel_map import read_channel_map
from ..core.exchange.rest import NO_JAW
from ..core.exchange.weights import KINDS, WeightOptions, read_weight_file, weight_file_steps
from ..core.take_label import NEW, TakeLabel
from ..properties.ids import index_of
from ..scene import versions
from ..scene.actions import write_steps
from ..scene.exports import Exported, check_outputs, check_place, save
from ..scene.gained import gained_steps, playing
from ..scene.jaw_poses import jaw_by_poses
from ..scene.parts import Parts
from ..scene.places import extension_version, take_files
from ..scene.rates import scene_rate
from ..scene.references import reference
from ..scene.sounds import extend_range
from ..scene.takes import shown_label
from ..scene.weights import face_steps
from .animation_job import face_track
from .asking import Progress, ask, part_of
from .pacing import Pace, told_of
from .rendering import refuse_while_rendering, until_rendered
from .weights_face import Target

if TYPE_CHECKING:
    from ..core.face.track import FaceTrack
    from .exports import ExportOrder

JAW_OF_POSES = "the lower teeth move as jawOpen and the other poses of the jaw say."
FULL = (".glb", ".fbx", ".usdc")  # what Blender's own exporters write


@dataclass(frozen=True)
class Order:
    """What is written: ``files``, each a kind of ``core.exchange.weights`` or an ending of
    ``FULL``, and its path. ``mapping`` is the file of an own way to MetaHuman's curves."""

    target: Target
    export: ExportOrder
    files: tuple[tuple[str, Path], ...]
    options: WeightOptions = field(default_factory=WeightOptions)
    mapping: str = ""
    from_take: bool = False
    extra: bool = False


@dataclass(frozen=True)
class Outcome:
    """``sentence`` says what came of it; ``paths`` were written; ``actions`` were made."""

    sentence: str
    notices: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    actions: tuple[str, ...] = ()


Steps = Generator[Progress, None, Outcome]


# ---- out


def export_steps(scene: bpy.types.Scene, order: Order) -> Steps:
    """Write the files, yielding progress; each is whole or not there. Raises UserError at once for
    what can be seen at once."""
    if not order.files:
        raise UserError("Nothing is chosen to be written.", "Tick at least one kind of file.")
    weights = [(kind, path) for kind, path in order.files if kind in KINDS]
    for _kind, path in weights:
        check_place(path)
    full = check_outputs([str(path) for kind, path in order.files if kind in FULL])
    options = order.options
    if order.mapping:
        options = replace(options, mapping=read_channel_map(bpy.path.abspath(order.mapping)))
    kept, parts = reference(scene), order.target.parts
    character = parts.character(driven=True)
    labels = shown_label(character)
    options = replace(options, track_path=options.track_path or _voice_of(labels))
    take = _take_file(labels, character.name) if order.from_take and weights else None
    del scene, character
    return _written(kept, order, options, weights, full, take)


def _written(
    kept: Any,
    order: Order,
    options: WeightOptions,
    weights: list[tuple[str, Path]],
    full: tuple[Path, ...],
    take: Path | None,
) -> Steps:
    notices: list[str] = []
    shares = (0.6 if full else 1.0, 0.4)
    if weights:
        face = yield from part_of(_face(kept, order, take), 0.0, 0.6 * shares[0])
        notices += face.notices if take else _missing(options, face)
        pace = Pace()
        for at, (kind, path) in enumerate(weights):
            share = shares[0] * (0.6 + 0.4 * at / len(weights))
            for _step in weight_file_steps(path, kind, face, options):
                if pace.due:
                    yield Progress(share, f"Writing {path.name}")
    if full:
        notices += yield from part_of(_full(kept, order, options, full), *shares)
    paths = (*(path for _kind, path in weights), *full)
    names = ", ".join(path.name for path in paths)
    return Outcome(f"Wrote {names}", tuple(dict.fromkeys(notices)), paths)


def _missing(options: WeightOptions, face: FaceTrack) -> list[str]:
    """What an own mapping asks for and the face does not have."""
    if options.mapping is None:
        return []
    names = options.mapping.missing(face.names)
    return [f"The mapping names poses that do not exist: {shortly(names)}."] if names else []


def _voice_of(labels: list[TakeLabel]) -> str:
    """The voice of the take that moves a face, as a path where it is known."""
    for label in labels:
        name = label.source.get("name")
        if label.source.get("kind") == "FILE" and isinstance(name, str) and name:
            return bpy.path.abspath(name)
        if label.voice:
            return label.voice
    return ""


def _take_file(labels: list[TakeLabel], name: str) -> Path:
    if not labels:
        raise UserError(f"No take moves '{name}'.", "Choose the scene as the source.")
    found = [path for path in take_files(labels[0].take_id) if path.suffix == ".npz"]
    if not found:
        raise UserError(
            f"The take that moves '{name}' has no file: it was imported or solved, or its file is "
            "gone.",
            "Choose the scene as the source.",
        )
    return found[0]


def _face(kept: Any, order: Order, take: Path | None) -> Generator[Progress, None, FaceTrack]:
    if take is not None:
        ticket = yield from ask("read_face", {"path": str(take)})
        return face_track(ticket)
    reading = face_steps(kept.get(), order.target.parts, order.export.span, order.extra)
    return (yield from told_of(reading, "Reading the face"))


def _full(
    kept: Any, order: Order, options: WeightOptions, paths: tuple[Path, ...]
) -> Generator[Progress, None, list[str]]:
    """Let Blender's exporters write the face's frames, each at one go."""
    scene, span = kept.get(), order.export.span
    first, last = int(span.first // 1), int(-(-float(span.frames[-1]) // 1))
    notices: list[str] = []
    if span.rate != scene_rate(scene):
        names = ", ".join(path.name for path in paths)
        rate = float(scene_rate(scene))
        notices.append(f"{names}: Blender's exporters keep the scene's {rate:g} frames per second.")
    gained = None
    if options.gains.changes:
        reading = gained_steps(scene, order.target.parts, options.gains, first, last)
        gained = yield from told_of(reading, "Reading the shape keys", 0.0, 0.5)
    del scene
    for at, path in enumerate(paths):
        yield from until_rendered()
        yield Progress(0.5 + 0.5 * at / len(paths), f"Writing {path.name}")
        objects = objects_of(order.target)
        with playing(gained):
            notices += save(path, Exported(kept.get(), objects, first, last))
    return notices


def saved_content(scene: bpy.types.Scene, target: Target) -> Exported:
    """A face over the scene's range, to be saved with its meshes."""
    return Exported(scene, objects_of(target), scene.frame_start, scene.frame_end)


def objects_of(target: Target) -> tuple[bpy.types.Object, ...]:
    """A face's objects with the armatures that move them."""
    character = target.parts.character(driven=True)
    joints = (*character.jaw, *character.eyes, character.head)
    found = [*character.members, *(j.object for j in joints if j is not None and j.bone)]
    for obj in character.members:
        found += [obj.parent] if obj.parent is not None and obj.parent.type == "ARMATURE" else []
        found += [m.object for m in obj.modifiers if m.type == "ARMATURE" and m.object is not None]
    return tuple(dict.fromkeys(found))


# ---- in


def import_steps(
    scene: bpy.types.Scene,
    target: Target,
    path: Path,
    start_frame: float | None = None,
    fps: Fraction | None = None,
    bake: str = NEW,
) -> Steps:
    """Read a weights file onto a face as a take, yielding progress. Raises UserError at once for
    what can be seen at once; then and when it is closed the face is as it was."""
    refuse_while_rendering()
    if not path.is_file():
        raise UserError(f"{path} does not exist.", "Choose an existing file.")
    start = float(scene.frame_start) if start_frame is None else start_frame
    return _imported(reference(scene), target, path, start, fps, bake)


def _imported(
    kept: Any, target: Target, path: Path, start: float, fps: Fraction | None, bake: str
) -> Steps:
    face = _with_jaw((yield from part_of(_read(path, fps), 0.0, 0.6)))
    unmatched = _unmatched(target.parts, face)
    scene = kept.get()
    label = _label(scene, target, path)
    writing = write_steps([target.parts], face, scene, start, label, bake)
    del scene
    written = yield from told_of(writing, "Writing keyframes", 0.6, 0.4)
    notices = (
        *face.notices, *written.notices, *unmatched,
        *extend_range(kept.get(), written.first_frame, written.last_frame),
    )  # fmt: skip
    rate = f"{float(face.fps):.4g}"
    said = f"{face.frame_count} frames of {path.name} at {rate} per second on '{target.name}'"
    return Outcome(said, tuple(dict.fromkeys(notices)), actions=written.actions)


def _read(path: Path, fps: Fraction | None) -> Generator[Progress, None, FaceTrack]:
    """The face in a file: the worker reads text, USD's library in Blender what is binary."""
    if _is_binary_usd(path):
        yield Progress(0.0, f"Reading {path.name}")
        return read_weight_file(path, fps, versions.usd_module())
    args: dict[str, Any] = {"path": str(path)}
    if fps is not None:
        args["fps"] = [fps.numerator, fps.denominator]
    ticket = yield from ask("read_face", args)
    return face_track(ticket)


def _with_jaw(face: FaceTrack) -> FaceTrack:
    """A face whose lower teeth go with its mouth, where its file does not say how the jaw moves."""
    if NO_JAW not in face.notices:
        return face
    notices = tuple(f"{text[:-1]}: {JAW_OF_POSES}" if text == NO_JAW else text
                    for text in face.notices)  # fmt: skip
    return replace(face, jaw=jaw_by_poses(face.names, face.weights), notices=notices)


def _is_binary_usd(path: Path) -> bool:
    from ..core.exchange.skel_clip import is_text

    return path.suffix.lower() in (".usd", ".usdc", ".usda") and not is_text(path)


def _label(scene: bpy.types.Scene, target: Target, path: Path) -> TakeLabel:
    chosen: Any = scene.facewright
    place = index_of(chosen.characters, target.character_id) if target.character_id else -1
    pipeline_id = chosen.characters[place].pipeline_id if place >= 0 else ""
    return TakeLabel(
        uuid.uuid4().hex,
        voice=path.stem,
        model="Imported",
        pipeline_id=pipeline_id,
        version=extension_version(),
        character_ids=(target.character_id,) if target.character_id else (),
    )


def _unmatched(parts: Parts, face: FaceTrack) -> list[str]:
    """Poses of a file that move and that the face has no shape key for."""
    character = parts.character(face.names)
    known = {name for mesh in character.meshes for name in mesh.found.pairs}
    moving = np.abs(face.weights).max(axis=0, initial=0.0) > 0
    names = tuple(
        name for name, moves in zip(face.names, moving, strict=True) if moves and name not in known
    )
    return [f"No shape key was found for: {shortly(names)}."] if names else []

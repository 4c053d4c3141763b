# SPDX-License-Identifier: GPL-3.0-or-later
"""One row of a batch baked on characters: from the file as it was in the beginning to its files.

What a row gives does not depend on the rows before it: the file is opened again for each. Its take
is not kept, as many .blend files would have to share a folder of takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.batch.fields import BUILT_IN
from ..core.batch.ledger import audio_sha256, row_mark
from ..core.batch.outputs import BAKED, ENDINGS, write_files
from ..core.errors import UserError
from ..core.models.loading import folder_sha256
from ..core.take_label import REPLACE, Origin
from ..properties.ids import find
from ..properties.library import BUILT_IN_EMOTION
from ..scene.exports import Exported, check_kind, save
from ..scene.gained import Gained, gained_steps, playing
from ..scene.parts import Parts, parts_of
from ..scene.places import BUILT_IN_MODEL, model_folder
from ..scene.reopening import Beginning
from ..scene.sounds import VoiceSource
from .animate import content_of
from .animation_job import animation_steps, check_terms, make_request
from .asking import wait_for
from .chosen import character_parts, origin_of
from .command_tools import find_object
from .weights_face import Target
from .weights_run import objects_of

if TYPE_CHECKING:
    from ..core.batch.manifest import Row
    from ..core.batch.order import Order
    from ..core.exchange.gains import Gains
    from .animation_job import Request

Watch = Callable[[float, str], None]


def check_formats(formats: Iterable[str]) -> None:
    """Raises UserError for a format that is not written here."""
    for name in formats:
        if name in BAKED:
            check_kind(Path(f"row.{name}"))
        elif name not in ENDINGS:
            listed = ", ".join((*BAKED, *ENDINGS))
            raise UserError(f"There is no format called {name!r}.", f"There are {listed}.")


class Folders:
    """The models of an order: looked at once. Raises UserError for one that cannot be used, and
    without its terms accepted."""

    def __init__(self, order: Order, accept_licence: bool) -> None:
        self._order = order
        filled = self.filled(order)
        check_terms(_model_text(filled), filled.emotion, accept_licence)
        self._model_sha256 = folder_sha256(model_folder(_model_text(filled)))
        self._emotion_sha256: dict[str, str] = {}

    @staticmethod
    def filled(order: Order) -> Order:
        """The order with the folders of the built-in models in the place of their name."""
        return order.with_models(BUILT_IN_MODEL, BUILT_IN_EMOTION)

    def mark(self, row: Row, about: Mapping[str, Any]) -> str:
        """As ``row_mark``. Raises UserError."""
        emotion = self.filled(self._order.for_row(row)).emotion
        folder = emotion.model if emotion.mode != "off" else ""
        if folder and folder not in self._emotion_sha256:
            self._emotion_sha256[folder] = folder_sha256(Path(folder))
        known = self._emotion_sha256.get(folder, "")
        voice = audio_sha256(row.audio)
        return row_mark(row, self._order, voice, self._model_sha256, known, about)


@dataclass(frozen=True)
class Stage:
    """Where rows are baked, and to which folder: the file with its scene, the names of the
    characters' meshes (none: those of the shown pipeline), the frame at which voices begin (None:
    the scene's first)."""

    beginning: Beginning
    out: Path
    objects: tuple[str, ...] = ()
    start_frame: float | None = None
    device: str = ""
    threads: int = 0
    accept_licence: bool = False
    hashes: dict[str, str] = field(default_factory=dict)

    def about(self, row: Row) -> Mapping[str, Any]:
        """What decides a row's files beside the row and the order."""
        path = str(row.blend or self.beginning.path)
        if path not in self.hashes:
            self.hashes[path] = audio_sha256(path)  # of any file
        return {
            "blend": self.hashes[path],
            "objects": list(self._names(row)),
            "scene": self.beginning.scene,
            "start_frame": self.start_frame,
        }

    def _names(self, row: Row) -> tuple[str, ...]:
        return (row.character,) if row.character else self.objects

    def bake(self, row: Row, order: Order, folder: Path, watch: Watch) -> Baked:
        """Animate a row and make its files in ``folder``, a folder of the ledger.

        Raises UserError, WorkerFault and Cancelled.
        """
        self.beginning.again(row.blend)
        request = self._request(row, order)
        result = wait_for(animation_steps(request), watch)
        content = _content(content_of(bpy.context.scene, result), request.faces)
        notices = list(result.notices)
        made = []
        for kind in [kind for kind in order.formats if kind in BAKED]:
            watch(1.0, f"Saving .{kind}")
            path = folder / f"{Path(row.output).name}.{kind}"
            with _gained(content, request.faces, order.gains, kind, watch):
                notices += _save(path, self.out / Path(row.output).parent, content)
            made.append(path)
        made += write_files(folder, row, order, result.face)
        return Baked(made, tuple(notices))

    def _request(self, row: Row, order: Order) -> Request:
        scene = bpy.context.scene
        characters = _characters(scene, self._names(row))
        if not characters:
            raise UserError("Nothing is named that the take could be baked on.", "Name an object.")
        settings = dict(order.settings)
        identity = str(settings.pop("identity", "") or "")
        pipeline, player = _wiring(scene, characters[0])
        if player is not None:  # so that the panels of the saved .blend show this voice
            player.voice_source, player.voice_path = "FILE", row.audio
            player.range_start, player.range_end = row.start_s, _end(row.end_s)
        origin = Origin() if pipeline is None or player is None else origin_of(pipeline, player)
        return make_request(
            scene,
            [_parts(one, settings) for one in characters],
            VoiceSource("FILE", row.audio, row.channel, row.start_s, row.end_s),
            fps=order.fps,
            start_frame=self.start_frame,
            settings=settings,
            model=_model_text(order),
            identity=identity,
            emotion=order.emotion,
            rigs=order.rigs.to_mapping(),
            device=self.device,
            threads=self.threads,
            low_delay=order.low_delay,
            owner=player.id if player is not None else "",
            origin=origin,
            bake=REPLACE,
            keep=False,
            accept_licence=self.accept_licence,
        )


@dataclass(frozen=True)
class Baked:
    """The files of a row, in its working folder, and what is worth knowing of them."""

    files: Sequence[Path]
    notices: tuple[str, ...]


def _model_text(order: Order) -> str:
    """A model's folder as the panels name it: empty is the built-in one."""
    return "" if order.model in (BUILT_IN, str(BUILT_IN_MODEL)) else order.model


def _end(end_s: float | None) -> float:
    return -1.0 if end_s is None else end_s


def _characters(scene: bpy.types.Scene, names: Sequence[str]) -> list[Any]:
    """The characters of the scene that have these meshes, or else the meshes themselves."""
    chosen: Any = scene.facewright
    if not names:
        return list(chosen.characters_of(chosen.pipeline))
    found = []
    for name in names:
        mesh = find_object(name, ("MESH",))
        known = (one for one in chosen.characters if one.skin == mesh)
        found.append(next(known, mesh))
    return found


def _parts(one: Any, settings: Mapping[str, Any]) -> Parts:
    if isinstance(one, bpy.types.Object):
        return parts_of(one)
    return character_parts(one, bool(settings.get("head_motion", False)))


def _wiring(scene: bpy.types.Scene, one: Any) -> tuple[Any, Any]:
    """The pipeline of a character and its player; None for each that is not there."""
    if isinstance(one, bpy.types.Object):
        return None, None
    chosen: Any = scene.facewright
    pipeline = find(chosen.pipelines, one.pipeline_id)
    return pipeline, chosen.player_of(pipeline)


def _content(content: Exported, faces: Sequence[Parts]) -> Exported:
    """With the armatures that move the faces."""
    objects = [obj for parts in faces for obj in objects_of(Target(parts))]
    return replace(content, objects=tuple(dict.fromkeys((*content.objects, *objects))))


@contextmanager
def _gained(
    content: Exported, faces: Sequence[Parts], gains: Gains, kind: str, watch: Watch
) -> Iterator[None]:
    """Let the faces play their keys with the gains, but in a .blend, where keys stay as made."""
    with ExitStack() as stack:
        for parts in faces if gains.changes and kind != "blend" else ():
            first, last = content.first_frame, content.last_frame
            steps = gained_steps(content.scene, parts, gains, first, last)
            stack.enter_context(playing(_finished(steps, watch)))
        yield


def _finished(steps: Generator[float, None, Gained], watch: Watch) -> Gained:
    while True:
        try:
            watch(next(steps), "Reading the shape keys")
        except StopIteration as end:
            result: Gained = end.value
            return result


def _save(path: Path, target: Path, content: Exported) -> tuple[str, ...]:
    """Save a file as if it lay in the folder where it will be: paths in it count from there."""
    place = target / f".{path.stem[:80]}.{os.getpid()}.part{path.suffix}"
    try:
        target.mkdir(parents=True, exist_ok=True)
        notices = save(place, content)
        os.replace(place, path)
    except UserError as error:
        raise UserError(error.message.replace(place.name, path.name), error.hint) from error
    except OSError as error:
        raise UserError(
            f"{target / path.name} cannot be written: {error.strerror or error}.",
            "Check the free space and the permissions of the folder.",
        ) from error
    finally:
        with suppress(OSError):
            place.unlink()
    return tuple(notice.replace(place.name, path.name) for notice in notices)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertex animation as a part of Animate: which meshes play it, what is wrong with them, and what
the worker has to know of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.take_label import BOTH, NLA, SHAPE_KEYS, VERTICES, TakeLabel
from ..properties.library import look
from ..scene.characters import Character
from ..scene.joints import world
from ..scene.mesh_cache import MOST_SCALE
from ..scene.places import model_folder, remove_take
from ..scene.rates import scene_rate
from ..scene.references import reference
from ..scene.retarget_meshes import (
    from_world,
    local_points,
    moves_to_world,
    shape_moves,
    standing_mesh,
)
from ..scene.transfer_meshes import results_of
from ..scene.vertex_animation import (
    SKIN,
    TONGUE,
    Cache,
    FaceCaches,
    fitted_role,
    label_caches,
    missing_files,
)
from .transfer_status import is_there

if TYPE_CHECKING:
    from ..core.models.model import ModelIndex
    from .animation_job import Request

OUTPUTS = (SHAPE_KEYS, VERTICES, BOTH)
_LONGEST_NAME = 40  # characters of a mesh's name in that of its file, which has up to 255 bytes


@dataclass(frozen=True)
class VertexPlan:
    """The point caches that a job is to write. ``args`` and ``arrays`` are for the worker."""

    faces: tuple[FaceCaches, ...] = ()
    args: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def label_caches(self) -> dict[str, str]:
        """As a take's label has them."""
        return label_caches(self.faces)

    @property
    def paths(self) -> list[Path]:
        """All files."""
        return [cache.path for face in self.faces for cache in face.caches]

    @property
    def folder(self) -> str:
        """Where they are; empty for none."""
        return str(self.paths[0].parent) if self.paths else ""

    def remove_files(self) -> None:
        """Take away what a job has written that did not come to its end."""
        for path in self.paths:
            remove_take(path)


# ---- what is wrong


def check_output(output: str, bake: str) -> None:
    """Raise UserError for an unknown output, or one that baking cannot hold."""
    if output not in OUTPUTS:
        raise UserError(f"There is no output {output!r}.", f"There are: {', '.join(OUTPUTS)}.")
    if output != SHAPE_KEYS and bake == NLA:
        raise UserError(
            "A strip of the NLA cannot hold vertex animation.",
            "Choose Shape Keys as output, or bake to Replace or New Action.",
        )


def check_skin(character: Character, model: str) -> None:
    """Raise UserError for a face whose vertices a model cannot move."""
    index = _index(model)
    face = character.face
    count = len(face.data.vertices)
    if index is not None and count != index.skin_vertices:
        raise UserError(
            f"'{face.name}' has {count} vertices, but {index.name} moves {index.skin_vertices}.",
            "Choose Shape Keys as output, or a mesh of the network's topology.",
        )
    for obj in (face, character.tongue):
        if obj is not None and not obj.is_editable:
            raise UserError(
                f"'{obj.name}' is linked from another file.", "Make a library override of it."
            )


def other_tongue(character: Character, model: str) -> str:
    """What to say of a tongue that is none of the network's topology; empty for any other."""
    index, tongue = _index(model), character.tongue
    if index is None or tongue is None or not index.tongue_vertices:
        return ""
    count = len(tongue.data.vertices)
    if count == index.tongue_vertices:
        return ""
    return (
        f"'{tongue.name}' has {count} vertices, but {index.name} moves {index.tongue_vertices} of "
        "the tongue: it moves by shape keys."
    )


def is_complete(label: TakeLabel, scene: bpy.types.Scene, character: Character) -> bool:
    """Whether all point caches of a take are there that its face would get now."""
    if label.output == SHAPE_KEYS:
        return True
    roles = {fitted_role(each.fitted) for each in _live_transfers(scene, character)}
    return not missing_files(label) and roles <= set(label.caches)


def _index(model: str) -> ModelIndex | None:
    return look(model_folder(model)).index


# ---- what a job is to write


def plan_of(request: Request, take_id: str, folder: Path) -> VertexPlan:
    """What a job has to write, in a folder. Raises UserError."""
    if request.output == SHAPE_KEYS:
        return VertexPlan()
    check_output(request.output, request.bake)
    _check_rate(request)
    files = _Files(take_id, folder)
    faces, notices = [], [_far_away(folder)]
    for character in request.characters():
        check_skin(character, request.model)
        notices += [other_tongue(character, request.model), *_hidden_keys(character)]
        transfers = list(_live_transfers(request.scene.get(), character))
        caches = [files.own(SKIN, character.face)]
        if character.tongue is not None and not other_tongue(character, request.model):
            index = _index(request.model)
            if index is None or index.tongue_vertices:
                caches.append(files.own(TONGUE, character.tongue))
        caches += [files.fitted(character.face, each) for each in transfers]
        # Teeth and tongue of a head that follows live read the driver's shape keys
        faces.append(FaceCaches(tuple(caches), request.output == BOTH or bool(transfers)))
    said = tuple(text for text in dict.fromkeys(notices) if text)
    return VertexPlan(tuple(faces), {"geometry": files.rows}, files.arrays, said)


def _far_away(folder: Path) -> str:
    """What to say of files that will not go with the .blend; empty where they lie beside it."""
    if not bpy.data.filepath:
        return (
            "The vertex animation is in the user folder: save the .blend, then animate again to "
            "have it beside it."
        )
    if folder.parent == Path(bpy.data.filepath).parent:
        return ""
    return f"The folder of the .blend may not be written, so the vertex animation lies in {folder}."


def _check_rate(request: Request) -> None:
    own = scene_rate(request.scene.get())
    if request.fps is not None and request.fps / own > MOST_SCALE:
        raise UserError(
            f"Vertex animation of {float(request.fps):g} frames per second cannot be played at "
            f"{float(own):g}.",
            "Raise the scene's frame rate.",
        )


def _hidden_keys(character: Character) -> Iterator[str]:
    """What is said of shape keys that vertex animation covers."""
    keys: Any = getattr(character.face.data, "shape_keys", None)
    for name in character.unmatched if keys is not None else ():
        block = keys.key_blocks.get(name)
        if block is not None and not block.mute and block.value:
            yield (
                f"The shape key '{name}' of '{character.face.name}' does not show while its "
                "vertices are animated."
            )


def _live_transfers(scene: bpy.types.Scene, character: Character) -> Iterator[Any]:
    """The character transfers whose result follows the face now."""
    chosen: Any = scene.facewright
    for each in chosen.transfers:
        if each.driver != character.face or not is_there(each.fitted):
            continue
        keys = each.fitted.data.shape_keys
        same = len(each.fitted.data.vertices) == len(character.face.data.vertices)
        if keys is not None and same and any(results_of(each.id)):
            yield each


class _Files:
    """Collects the files of a job: their names, and rows and arrays for the worker."""

    def __init__(self, take_id: str, folder: Path) -> None:
        self.rows: list[dict[str, Any]] = []
        self.arrays: dict[str, Any] = {}
        self._take_id, self._folder = take_id, folder

    def own(self, role: str, obj: bpy.types.Object) -> Cache:
        """A mesh of the network's topology."""
        return self._add(role, obj, role, {"rest": local_points(obj)})

    def fitted(self, driver: bpy.types.Object, transfer: Any) -> Cache:
        """The fitted mesh of a transfer, which follows a driver."""
        fitted = transfer.fitted
        names, moves = shape_moves(driver)
        known, own = shape_moves(fitted)
        rows = [(names.index(name), known.index(name)) for name in names if name in known]
        mesh = standing_mesh(driver)
        arrays = {
            "rest": local_points(fitted),
            "driver_rest": local_points(driver),
            "driver_points": mesh.points,
            "driver_triangles": mesh.triangles,
            "moves": moves_to_world(driver, moves[[first for first, _second in rows]]),
            "fitted_points": standing_mesh(fitted).points,
            "fitted_moves": moves_to_world(fitted, own[[second for _first, second in rows]]),
            "to_world": world(driver)[:3, :3],
            "to_fitted": from_world(fitted)[:3, :3],
        }
        used = [names[first] for first, _second in rows]
        return self._add(fitted_role(fitted), fitted, SKIN, arrays, used)

    def _add(
        self,
        role: str,
        obj: bpy.types.Object,
        region: str,
        arrays: Mapping[str, Any],
        names: Sequence[str] | None = None,
    ) -> Cache:
        number, path = len(self.rows), self._free_path(obj.name)
        row: dict[str, Any] = {"path": str(path), "region": region}
        if names is not None:
            row["names"] = list(names)
        self.rows.append(row)
        for name, values in arrays.items():
            kind = np.int32 if values.dtype.kind == "i" else np.float32
            self.arrays[f"{name}_{number}"] = np.ascontiguousarray(values, kind)
        return Cache(role, reference(obj), path)

    def _free_path(self, name: str) -> Path:
        """A file that no other mesh of the job has; of the name only what any disk takes."""
        plain = "".join(c if c.isalnum() or c in "-." else "_" for c in name)[:_LONGEST_NAME]
        used = {row["path"] for row in self.rows}
        for more in ("", *(f"_{number}" for number in range(2, len(used) + 3))):
            path = self._folder / f"{self._take_id}_{plain}{more}.pc2"
            if str(path) not in used:
                return path
        raise AssertionError("more names than files")

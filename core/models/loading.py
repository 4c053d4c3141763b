# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a model folder of the regression or diffusion family, one identity of it.

Layout and keys are those of the published Audio2Face-3D models. Every size is compared with
``network_info.json`` before an array is read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import limits
from ..arrays import Floats, Integers
from ..errors import UserError
from ..json_fields import JsonFields
from ..parameters import PARAMETERS, Value, checked
from ..safe_files import NpzReader
from .files import FolderFiles, RigFiles, find_files, hash_files
from .info import read_network_info
from .licences import licence_for
from .model import BlendShapeRig, EmotionDatabase, Model, ModelData, NetworkInfo
from .onnx_header import check_network_file
from .solve_config import SECTION, solve_config

# How lids close and open again when the model does not say: quick down, a moment shut, slow up.
DEFAULT_BLINK = (0.0, 0.5, 1.0, 1.0, 0.82, 0.58, 0.36, 0.18, 0.06, 0.0)


def read_model(folder: Path, identity: str = "") -> Model:
    """Read and check one identity of a model folder; empty is the first one.

    Raises UserError naming the file and the reason.
    """
    files = find_files(folder)
    if files.family == "emotion":
        raise UserError(
            f"The folder {folder} holds an emotion model, which moves no face.",
            "Choose it under auto-emotion, and a model of the face here.",
        )
    info = read_network_info(files)
    index = identity_index(files, identity)
    outside = [path for network in files.networks for path in check_network_file(network)]
    person = files.people[index]
    if person.data is None:
        raise UserError(f"{files.index} names no model data.", "Download the model again.")
    database = None
    if files.database is not None and info.implicit_length:
        database = _emotion_database(files.database, info.implicit_length)
    config = model_config(person.config, info)
    _check_source_shot(person.config, config, database)
    return Model(
        folder=folder,
        name=files.name,
        info=info,
        config=config,
        data=_model_data(person.data, info),
        emotion_db=database,
        skin_rig=_rig(person.skin, info.skin_vertices, "skin"),
        tongue_rig=_rig(person.tongue, info.tongue_vertices, "tongue"),
        network_path=files.network,
        sha256=hash_files([*files.paths(), *outside]),
        identity=files.identities[index],
        identity_index=index,
        clip_network_path=files.clip_network,
        live_network_path=files.live_network,
        licence=licence_for(files),
    )


def folder_sha256(folder: Path) -> str:
    """What ``sha256`` of a model of this folder is, of any family, without reading its arrays.

    Raises UserError.
    """
    files = find_files(folder)
    outside = [path for network in files.networks for path in check_network_file(network)]
    return hash_files([*files.paths(), *outside])


def identity_index(files: FolderFiles, identity: str) -> int:
    """Place of a person in the folder's list; case matters only where names differ by it alone.

    Raises UserError for a person whom the folder does not have.
    """
    names = files.identities
    if not identity:
        return 0
    if identity in names:
        return names.index(identity)
    folded = [name.casefold() for name in names]
    if identity.casefold() in folded:
        return folded.index(identity.casefold())
    raise UserError(
        f"The model {files.name} has no identity called {identity!r}.",
        f"It has {', '.join(names)}.",
    )


def model_config(path: Path, info: NetworkInfo) -> dict[str, Value]:
    """The parameters that a model sets itself; keys this version does not know are left out."""
    unused = {"identity"}
    if info.family == "diffusion":
        unused |= {"source_shot", "source_frame"}
    config = JsonFields.read(path).section("config").values
    return {
        name: checked(name, value, str(path))
        for name, value in config.items()
        if name in PARAMETERS and name not in unused
    }


def _check_source_shot(
    path: Path, config: dict[str, Value], database: EmotionDatabase | None
) -> None:
    """The default expression that a folder names has to be in its own database."""
    shot = config.get("source_shot", "")
    if database is None or not shot:
        return
    size = dict(zip(database.names, database.sizes, strict=True)).get(str(shot), 0)
    frame = config.get("source_frame", 0)
    if not int(frame) < size:
        raise UserError(
            f"{path}: the source shot {shot!r} with the frame {frame} is not in the model's "
            "expression database.",
            "Download the model again.",
        )


def _floats(npz: NpzReader, name: str, shape: tuple[int | None, ...]) -> Floats:
    """An array of the model's space or of degrees, within the limit of coordinates."""
    values = npz.floats(name, shape)
    if values.size and max(values.max(), -values.min()) > limits.MAX_COORDINATE:
        raise UserError(f"{npz.path}: the array {name!r} holds values that are too large.")
    return values


def _model_data(path: Path, info: NetworkInfo) -> ModelData:
    skin, tongue = info.skin_vertices, info.tongue_vertices
    regression = info.family == "regression"
    skin_neutral = "shapes_mean_skin" if regression else "neutral_skin"
    tongue_neutral = "shapes_mean_tongue" if regression else "neutral_tongue"
    skin_shapes = np.zeros((0, skin, 3), np.float32)
    tongue_shapes = np.zeros((0, tongue, 3), np.float32)
    with NpzReader(path) as npz:
        saccades = _floats(npz, "saccade_rot_matrix", (None, 2))
        if regression:
            tongue_shape = (info.tongue_shapes, tongue, 3)
            skin_shapes = _floats(npz, "shapes_matrix_skin", (info.skin_shapes, skin, 3))
            tongue_shapes = _tongue(npz, "shapes_matrix_tongue", tongue_shape)
        return ModelData(
            skin_shapes=skin_shapes,
            skin_neutral=_floats(npz, skin_neutral, (skin, 3)),
            lip_open_delta=_floats(npz, "lip_open_pose_delta", (skin, 3)),
            eye_close_delta=_floats(npz, "eye_close_pose_delta", (skin, 3)),
            tongue_shapes=tongue_shapes,
            tongue_neutral=_tongue(npz, tongue_neutral, (tongue, 3)),
            jaw_neutral=_jaw(npz, info.jaw_size // 3),
            saccades=saccades if len(saccades) else np.zeros((1, 2), np.float32),
            blink_profile=_blink(npz),
        )


def _jaw(npz: NpzReader, points: int) -> Floats:
    """The markers of the lower teeth; on one line they would not say how the jaw turns."""
    jaw = _floats(npz, "neutral_jaw", (points, 3))
    spread = np.linalg.svd((jaw - jaw.mean(axis=0)).astype(np.float64), compute_uv=False)
    if spread[1] <= 1e-6 * max(spread[0], 1e-6):
        raise UserError(f"{npz.path}: the markers in neutral_jaw lie on one line.")
    return jaw


def _blink(npz: NpzReader) -> Floats:
    """How lids close, 30 values per second, from files that say so."""
    if "blink_keys" in npz.names:
        keys = npz.floats("blink_keys", (None,))
        if len(keys) <= 60 and keys.any():
            return np.clip(keys, 0, 1)
    return np.asarray(DEFAULT_BLINK, np.float32)


def _tongue(npz: NpzReader, name: str, shape: tuple[int, ...]) -> Floats:
    """A tongue array; a model without a tongue need not hold it."""
    if name not in npz.names and 0 in shape:
        return np.zeros(shape, np.float32)
    return _floats(npz, name, shape)


def _emotion_database(path: Path, length: int) -> EmotionDatabase:
    with NpzReader(path) as npz:
        vectors = _floats(npz, "emo_db", (None, length))
        names = npz.texts("emo_spec_names")
        starts = npz.integers("emo_spec_start", (len(names),))
        sizes = npz.integers("emo_spec_size", (len(names),))
    if (starts < 0).any() or (sizes < 0).any() or (starts + sizes > len(vectors)).any():
        raise UserError(f"{path}: a shot reaches beyond the {len(vectors)} rows of the database.")
    return EmotionDatabase(names, starts, sizes, vectors)


def expression_names(path: Path) -> tuple[tuple[str, int], ...]:
    """Name and number of frames of each shot of an expression database. Raises UserError."""
    with NpzReader(path) as npz:
        names = npz.texts("emo_spec_names")
        sizes = npz.integers("emo_spec_size", (len(names),))
    return tuple(zip(names, (int(size) for size in sizes), strict=True))


def _rig(files: RigFiles | None, vertices: int, part: str) -> BlendShapeRig | None:
    if files is None:
        return None
    with NpzReader(files.data) as npz:
        names = npz.texts("poseNames")
        if not names or names[0] != "neutral" or len(set(names)) != len(names) or len(names) < 2:
            raise UserError(
                f"{files.data}: poseNames has to begin with 'neutral' and hold different names."
            )
        poses = names[1:]
        if len(poses) > limits.MAX_POSES:
            raise UserError(f"{files.data} holds too many poses: {len(poses)}.")
        if not all(name.isprintable() and len(name) <= limits.MAX_POSE_NAME for name in poses):
            raise UserError(f"{files.data}: poseNames holds a name that cannot be shown.")
        for name in poses:  # before memory is taken for all of them
            npz.check_form(name, (vertices, 3))
        neutral = _floats(npz, "neutral", (vertices, 3))
        deltas = np.empty((len(poses), vertices, 3), np.float32)
        for row, name in enumerate(poses):
            deltas[row] = _floats(npz, name, (vertices, 3))
        mask = _mask(npz, vertices)
    fields = JsonFields.read(files.config).section(SECTION)
    config = solve_config(fields, len(poses), part)
    return BlendShapeRig(poses, neutral, deltas, mask, config)


def _mask(npz: NpzReader, vertices: int) -> Integers | None:
    if "frontalMask" not in npz.names:
        return None
    mask = np.unique(npz.integers("frontalMask", (None,)))
    if not len(mask) or mask[0] < 0 or mask[-1] >= vertices:
        raise UserError(f"{npz.path}: frontalMask names vertices that do not exist.")
    return mask

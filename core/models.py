# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model folder holds. ``model_loading`` reads one.

Nothing depends on a model's name: all sizes come from its ``network_info.json`` and its arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .arrays import Floats, Integers
from .parameters import EMOTION_NAMES, EMOTION_PREFIX, Settings, Value, checked


@dataclass(frozen=True)
class NetworkInfo:
    """Sizes and names from ``network_info.json`` (regression family).

    The network's output row is skin | tongue | jaw | eyes.
    """

    family: str
    actor: str
    version: str
    emotions: tuple[str, ...]
    default_emotion: tuple[float, ...]
    implicit_length: int
    identities: tuple[str, ...]
    skin_shapes: int
    skin_vertices: int
    tongue_shapes: int
    tongue_vertices: int
    jaw_size: int
    eyes_size: int
    window_length: int
    target_offset: int
    sample_rate: int

    @property
    def emotion_length(self) -> int:
        """Length of the network's emotion input: implicit part first, then the named ones."""
        return self.implicit_length + len(self.emotions)

    @property
    def result_length(self) -> int:
        return self.skin_shapes + self.tongue_shapes + self.jaw_size + self.eyes_size


@dataclass(frozen=True)
class ModelData:
    """Arrays of ``model_data.npz``, float32, in the model's space (Y up, its own unit).

    ``skin_shapes``      (S, V, 3) basis of the skin's motion
    ``skin_neutral``     (V, 3) face at rest
    ``lip_open_delta``   (V, 3) lips open, ``eye_close_delta`` (V, 3) lids closed, from rest
    ``tongue_shapes``    (Tt, Vt, 3), ``tongue_neutral`` (Vt, 3)
    ``jaw_neutral``      (J, 3) markers of the lower teeth at rest
    ``saccades``         (N, 2) degrees [X pitch, Y yaw] of the eye darts, 30 per second
    ``blink_profile``    (B,) closing of the lids 0..1, 30 per second
    """

    skin_shapes: Floats
    skin_neutral: Floats
    lip_open_delta: Floats
    eye_close_delta: Floats
    tongue_shapes: Floats
    tongue_neutral: Floats
    jaw_neutral: Floats
    saccades: Floats
    blink_profile: Floats


@dataclass(frozen=True)
class EmotionDatabase:
    """Learnt expression vectors (N, I) of ``implicit_emo_db.npz`` and the shots that they form."""

    names: tuple[str, ...]
    starts: Integers
    sizes: Integers
    vectors: Floats


@dataclass(frozen=True)
class SolveConfig:
    """Solver settings of one rig, from ``bs_*_config.json``.

    Tuples have one entry per pose (neutral excluded). ``symmetry_ids`` and ``cancel_ids``: poses
    with the same id >= 0 form a pair; -1 is none.
    """

    l1: float
    l2: float
    temporal: float
    symmetry: float
    template_size: float
    active: tuple[bool, ...]
    cancel_ids: tuple[int, ...]
    symmetry_ids: tuple[int, ...]
    multipliers: tuple[float, ...]
    offsets: tuple[float, ...]


@dataclass(frozen=True)
class BlendShapeRig:
    """Named poses of one mesh: ``neutral`` (V, 3) and ``deltas`` (P, V, 3) from it, float32.

    ``mask`` (M,) int64 holds the vertices that the solve looks at; None is all of them.
    """

    names: tuple[str, ...]
    neutral: Floats
    deltas: Floats
    mask: Integers | None
    config: SolveConfig


@dataclass(frozen=True)
class Model:
    """A model folder, read and checked.

    ``config`` holds the parameters that its ``model_config.json`` sets; ``sha256`` covers every
    file that the folder's ``model.json`` names.
    """

    folder: Path
    name: str
    info: NetworkInfo
    config: Mapping[str, Value]
    data: ModelData
    emotion_db: EmotionDatabase | None
    skin_rig: BlendShapeRig | None
    tongue_rig: BlendShapeRig | None
    network_path: Path
    sha256: str


def settings_for(model: Model, overrides: Mapping[str, object]) -> Settings:
    """Settings of a take: the user's values, else the model's, else the table's defaults.

    A user's source shot without a source frame starts at frame 0 of that shot.
    Raises UserError for values that are unknown or out of range.
    """
    values: dict[str, object] = dict(model.config)
    for name, strength in zip(model.info.emotions, model.info.default_emotion, strict=True):
        if name in EMOTION_NAMES:
            values[EMOTION_PREFIX + name] = min(max(strength, 0.0), 1.0)
    for part, rig in (("skin", model.skin_rig), ("tongue", model.tongue_rig)):
        if rig is not None:
            values[f"{part}_regularization"] = rig.config.l2
            values[f"{part}_sparsity"] = rig.config.l1
            values[f"{part}_temporal"] = rig.config.temporal
            values[f"{part}_symmetry"] = rig.config.symmetry
    if "source_shot" in overrides and "source_frame" not in overrides:
        values["source_frame"] = 0
    values.update({name: checked(name, value) for name, value in overrides.items()})
    return Settings.from_mapping(values)


def load_model(folder: str | Path) -> Model:
    """Read and check a model folder through its ``model.json``. Raises UserError."""
    from .model_loading import read_model

    return read_model(Path(folder))

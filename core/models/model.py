# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model folder holds. ``loading`` and ``emotion`` read one.

Nothing depends on a model's name: all sizes come from its ``network_info.json`` and its arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ..arrays import Floats, Integers
from ..errors import UserError
from ..parameters import EMOTION_NAMES, EMOTION_PREFIX, Settings, Value, checked
from .licences import Licence

Family = Literal["regression", "diffusion", "emotion"]


@dataclass(frozen=True)
class DiffusionInfo:
    """How a diffusion network runs: an inference gives ``frames`` frames; ``center`` of them count.

    ``steps``, ``layers``, ``latent_dim``  shape of the carried state: [steps, layers, batch, dim];
                                           the noise has ``steps + 1`` slices
    ``left``, ``right``                    frames at both ends of an inference, thrown away
    ``center``                             frames kept, from index ``left`` on
    """

    steps: int
    layers: int
    latent_dim: int
    left: int
    center: int
    right: int

    @property
    def frames(self) -> int:
        """Frames that one inference gives, those thrown away included."""
        return self.left + self.center + self.right

    @property
    def lead(self) -> int:
        """Kept frames before time 0: inferences begin so early that the carried state warms up.

        Kept frame j of inference k is frame ``k * center + j - lead`` of the clip.
        """
        return self.frames - self.left


@dataclass(frozen=True)
class NetworkInfo:
    """Sizes and names from ``network_info.json`` of a regression or diffusion network.

    A row of its output is skin | tongue | jaw | eyes: coefficients of the model's shapes
    (regression), or the motion of every vertex (diffusion, where ``skin_shapes``,
    ``tongue_shapes`` and ``implicit_length`` are 0). ``target_offset`` is the sample of the window
    that the frame (diffusion: the first kept frame, rounded down) is at. ``clip_stride`` is the
    step in samples of the network for whole clips, 0 without one; ``live_offset`` is the
    ``target_offset`` of the network for live use.
    """

    family: Family
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
    diffusion: DiffusionInfo | None = None
    clip_stride: int = 0
    live_offset: int = 0

    @property
    def emotion_length(self) -> int:
        """Length of the network's emotion input: implicit part first, then the named ones."""
        return self.implicit_length + len(self.emotions)

    @property
    def channels(self) -> int:
        """Floats per frame of a diffusion network."""
        vertices = self.skin_vertices + self.tongue_vertices
        return 3 * vertices + self.jaw_size + self.eyes_size

    @property
    def result_length(self) -> int:
        """Floats per frame of the network's output."""
        if self.diffusion is not None:
            return self.channels
        return self.skin_shapes + self.tongue_shapes + self.jaw_size + self.eyes_size

    @property
    def fps(self) -> Fraction | None:
        """The one frame rate of a diffusion network; None: any (regression)."""
        if self.diffusion is None:
            return None
        return Fraction(self.diffusion.frames * self.sample_rate, self.window_length)

    @property
    def inference_stride(self) -> int:
        """Samples from one diffusion inference to the next; 0 for regression."""
        if self.diffusion is None:
            return 0
        return self.window_length * self.diffusion.center // self.diffusion.frames


@dataclass(frozen=True)
class ModelData:
    """Arrays of ``model_data.npz``, float32, in the model's space (Y up, its own unit).

    ``skin_shapes``      (S, V, 3) basis of the skin's motion; no rows (0, V, 3) for diffusion
    ``skin_neutral``     (V, 3) face at rest
    ``lip_open_delta``   (V, 3) lips open, ``eye_close_delta`` (V, 3) lids closed, from rest
    ``tongue_shapes``    (Tt, Vt, 3), likewise; ``tongue_neutral`` (Vt, 3)
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
    """One identity of a model folder of the regression or diffusion family, read and checked.

    ``config`` holds the parameters that its ``model_config.json`` sets; ``sha256`` covers every
    file that the folder's ``model.json`` names, those of the other identities included.
    ``identity`` is the person chosen, ``identity_index`` its place in ``identities`` (the hot entry
    of the network's identity input). ``clip_network_path`` is the same network for whole clips, if
    there is one; ``live_network_path`` a like one that looks ahead less, ``live`` says that it is
    the network in use. ``licence`` is None for our own and users' own models.
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
    identity: str = ""
    identity_index: int = 0
    clip_network_path: Path | None = None
    live_network_path: Path | None = None
    licence: Licence | None = None
    live: bool = False

    @property
    def ahead(self) -> int:
        """Samples after a frame that its window still hears."""
        return self.info.window_length - self.info.target_offset

    @property
    def identities(self) -> tuple[str, ...]:
        """The people that the folder holds, in the order of the network's identity input."""
        return self.info.identities

    def low_delay(self) -> Model:
        """The same model with its network for live use in place of the others.

        Raises UserError when the folder names none.
        """
        if self.live_network_path is None:
            raise UserError(
                f"The model {self.name} has no network of low delay: its model.json names no "
                "liveNetworkPath.",
                "Leave low delay off, or choose the built-in model.",
            )
        info = replace(self.info, target_offset=self.info.live_offset, clip_stride=0)
        network = self.live_network_path
        return replace(self, info=info, network_path=network, clip_network_path=None, live=True)


@dataclass(frozen=True)
class EmotionModelConfig:
    """How a voice's emotions are mixed, from the ``model_config.json`` of an emotion model.

    ``correspondence`` maps each label of the network to the index of an emotion among the ten of
    ``EMOTION_NAMES``, or to -1 (neutral: not used). ``preferred`` has one strength per emotion.
    ``transition_s`` in seconds; the other numbers are 0..1 but ``contrast`` and ``max_emotions``.
    """

    contrast: float
    max_emotions: int
    live_blend: float
    enable_preferred: bool
    preferred_strength: float
    transition_s: float
    strength: float
    preferred: tuple[float, ...]
    correspondence: Mapping[str, int]


@dataclass(frozen=True)
class EmotionModel:
    """An Audio2Emotion folder, read and checked.

    The network takes ``input_values`` [B, L] samples at ``sample_rate`` and gives ``output``
    [B, labels]; ``emotions`` are the labels in the output's order.
    """

    folder: Path
    name: str
    emotions: tuple[str, ...]
    sample_rate: int
    network_path: Path
    config: EmotionModelConfig
    sha256: str
    licence: Licence | None = None

    @property
    def targets(self) -> tuple[int, ...]:
        """For each output of the network the index among ``EMOTION_NAMES``, -1 for none."""
        return tuple(self.config.correspondence[label] for label in self.emotions)


@dataclass(frozen=True)
class ModelIndex:
    """A model folder looked at cheaply: its JSON files and file sizes, no array, no network.

    ``files`` are all files that it consists of (each exists), ``fps`` the one rate of a diffusion
    model. ``memory_bytes`` is about what it takes on the device, ``memory_known`` whether that is a
    published figure rather than an estimate. ``good_at`` is a sentence for the library, or empty;
    ``people_good_at`` the same for those of several people who are known, by identity.
    ``skin_vertices`` and ``tongue_vertices`` are those that a face's network moves.
    """

    folder: Path
    family: Family
    name: str
    actor: str
    version: str
    identities: tuple[str, ...]
    emotions: tuple[str, ...]
    files: tuple[Path, ...]
    fps: Fraction | None
    size_bytes: int
    memory_bytes: int
    memory_known: bool
    good_at: str
    people_good_at: tuple[tuple[str, str], ...]
    licence: Licence | None
    skin_vertices: int = 0
    tongue_vertices: int = 0

    @property
    def frame_rate(self) -> str:
        """The frame rate in words, for the library; a face model of one rate is resampled."""
        return "Any frame rate" if self.fps is None else f"{float(self.fps):g} frames per second"

    @property
    def languages(self) -> str:
        """The languages in words, for the library: the networks hear sounds, not words."""
        return "Every language"


def default_emotions(info: NetworkInfo) -> dict[str, float]:
    """The strengths that a network names for itself, by parameter name."""
    return {
        EMOTION_PREFIX + name: min(max(strength, 0.0), 1.0)
        for name, strength in zip(info.emotions, info.default_emotion, strict=True)
        if name in EMOTION_NAMES
    }


def settings_for(model: Model, overrides: Mapping[str, object]) -> Settings:
    """Settings of a take: the user's values, else the model's, else the table's defaults.

    A user's source shot without a source frame starts at frame 0 of that shot; an empty one is the
    model's own.
    Raises UserError for values that are unknown or out of range.
    """
    if overrides.get("source_shot") == "":  # the model's own, with the frame that it names
        overrides = {name: value for name, value in overrides.items() if name != "source_shot"}
    values: dict[str, object] = {**model.config, **default_emotions(model.info)}
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


def load_model(folder: str | Path, identity: str = "") -> Model:
    """Read and check one identity of a model folder through its ``model.json``.

    ``identity`` empty takes the first; case does not matter. Raises UserError.
    """
    from .loading import read_model

    return read_model(Path(folder), identity)


def load_emotion_model(folder: str | Path) -> EmotionModel:
    """Read and check an Audio2Emotion folder through its ``model.json``. Raises UserError."""
    from .emotion import read_emotion_model

    return read_emotion_model(Path(folder))


def read_index(folder: str | Path) -> ModelIndex:
    """Look at a model folder of any family without reading an array. Raises UserError."""
    from .index import read_model_index

    return read_model_index(Path(folder))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an Audio2Emotion folder: its labels, how its outputs are mixed, and its network's file."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from ..json_fields import JsonFields
from ..parameters import EMOTION_NAMES, PARAMETERS
from .files import find_files, hash_files
from .info import read_emotion_labels
from .licences import licence_for
from .model import EmotionModel, EmotionModelConfig
from .onnx_header import check_network_file


def read_emotion_model(folder: Path) -> EmotionModel:
    """Read and check an emotion model's folder. Raises UserError naming the file and the reason."""
    files = find_files(folder)
    if files.family != "emotion":
        raise UserError(
            f"The folder {folder} holds a model of the face, not one of emotion.",
            "Choose an Audio2Emotion folder.",
        )
    labels = read_emotion_labels(files)
    config = read_emotion_config(files.people[0].config, labels)
    outside = check_network_file(files.network)
    return EmotionModel(
        folder=folder,
        name=files.name,
        emotions=labels,
        sample_rate=files.info.section("audio_params").values["samplerate"],
        network_path=files.network,
        config=config,
        sha256=hash_files([*files.paths(), *outside]),
        licence=licence_for(files),
    )


def read_emotion_config(path: Path, labels: tuple[str, ...]) -> EmotionModelConfig:
    """How the outputs ``labels`` of a network are mixed. Raises UserError."""
    fields = JsonFields.read(path).section("post_processing_config")
    count = len(EMOTION_NAMES)
    length = fields.integer("output_emotion_length", 1, 1_000, count)
    if length != count:
        raise UserError(f"{path}: output_emotion_length is {length}; faces have {count} emotions.")

    def number(key: str, parameter: str, default: float) -> float:
        row = PARAMETERS[parameter]
        return fields.number(key, row.minimum, row.maximum, default)

    preferred = fields.numbers("preferred_emotion", count, 0.0)
    if not all(0.0 <= strength <= 1.0 for strength in preferred):
        raise UserError(f"{path}: preferred_emotion has to hold numbers from 0 to 1.")
    return EmotionModelConfig(
        contrast=number("emotion_contrast", "detected_emotion_contrast", 1.0),
        max_emotions=fields.integer("max_emotions", 1, len(labels), min(6, len(labels))),
        live_blend=number("live_blend_coef", "live_blend", 0.7),
        enable_preferred=fields.flag("enable_preferred_emotion", False),
        preferred_strength=number("preferred_emotion_strength", "preferred_strength", 0.5),
        transition_s=number("transition_smoothing", "live_transition", 0.5),
        strength=number("emotion_strength", "overall_emotion_strength", 0.6),
        preferred=preferred,
        correspondence=_correspondence(fields, labels),
    )


def _correspondence(fields: JsonFields, labels: tuple[str, ...]) -> dict[str, int]:
    """For each label of the network the emotion that it stands for, by name, never by position."""
    places = fields.section("emotion_correspondence")
    missing = [label for label in labels if label not in places.values]
    if missing:
        raise UserError(
            f"{fields.path}: emotion_correspondence does not say what {missing[0]!r} stands for.",
            "Download the model again.",
        )
    return {label: places.integer(label, -1, len(EMOTION_NAMES) - 1) for label in labels}

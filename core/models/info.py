# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes and names of a network, from ``network_info.json``. Every size is checked before use."""

from __future__ import annotations

from .. import limits
from ..errors import UserError
from ..json_fields import JsonFields
from .files import FolderFiles, emotion_fields
from .model import DiffusionInfo, NetworkInfo

_AGAIN = "Download the model again."


def read_network_info(files: FolderFiles) -> NetworkInfo:
    """Sizes of a regression or diffusion network. Raises UserError."""
    info = files.info
    output = info.section("id").text("output", "geometry")
    if output != "geometry":
        raise UserError(f"{info.path}: the network's output has to be 'geometry'.")
    found = _regression(files) if files.family == "regression" else _diffusion(files)
    if found.jaw_size % 3:
        key = "result_jaw_size" if files.family == "regression" else "jaw_size"
        raise UserError(f"{info.path}: {key} has to be a multiple of 3.")
    if found.sample_rate != limits.SAMPLE_RATE:
        raise UserError(
            f"{info.path}: the network wants {found.sample_rate} samples per second; only "
            f"{limits.SAMPLE_RATE} are supported."
        )
    return found


def read_emotion_labels(files: FolderFiles) -> tuple[str, ...]:
    """What the outputs of an emotion network mean, in order. Raises UserError."""
    labels = emotion_fields(files.info).names("emotions", limits.MAX_EMOTIONS)
    if not labels:
        raise UserError(f"{files.info.path}: emotions names none.", _AGAIN)
    rate = files.info.section("audio_params").integer("samplerate", 1, limits.MAX_RATE)
    if rate != limits.SAMPLE_RATE:
        raise UserError(
            f"{files.info.path}: the network wants {rate} samples per second; only "
            f"{limits.SAMPLE_RATE} are supported."
        )
    return labels


def _regression(files: FolderFiles) -> NetworkInfo:
    params, audio = files.info.section("params"), files.info.section("audio_params")
    emotions = params.names("explicit_emotions", limits.MAX_EMOTIONS)
    window = audio.integer("buffer_len", 1, limits.MAX_WINDOW_SAMPLES)
    stride = 0
    if files.clip_network is not None:
        stride = audio.integer("clip_stride", 1, window)
    live_offset = 0
    if files.live_network is not None:
        live_offset = audio.integer("live_buffer_ofs", 0, window)
    return NetworkInfo(
        family="regression",
        actor=files.actor,
        version=files.version,
        emotions=emotions,
        default_emotion=params.numbers("default_emotion", len(emotions), 0.0),
        implicit_length=params.integer("implicit_emotion_len", 0, limits.MAX_SHAPES),
        identities=files.identities,
        skin_shapes=params.integer("num_shapes_skin", 1, limits.MAX_SHAPES),
        skin_vertices=params.integer("num_verts_skin", 1, limits.MAX_VERTICES),
        tongue_shapes=params.integer("num_shapes_tongue", 0, limits.MAX_SHAPES),
        tongue_vertices=params.integer("num_verts_tongue", 0, limits.MAX_VERTICES),
        jaw_size=params.integer("result_jaw_size", 9, 300),
        eyes_size=params.integer("result_eyes_size", 4, 4),
        window_length=window,
        target_offset=audio.integer("buffer_ofs", 0, window),
        sample_rate=audio.integer("samplerate", 1, limits.MAX_RATE),
        clip_stride=stride,
        live_offset=live_offset,
    )


def _diffusion(files: FolderFiles) -> NetworkInfo:
    params, audio = files.info.section("params"), files.info.section("audio_params")
    emotions = params.names("emotions", limits.MAX_EMOTIONS)
    window = audio.integer("buffer_len", 1, limits.MAX_WINDOW_SAMPLES)
    diffusion = DiffusionInfo(
        steps=params.integer("num_diffusion_steps", 1, limits.MAX_DIFFUSION_STEPS),
        layers=params.integer("num_gru_layers", 1, 16),
        latent_dim=params.integer("gru_latent_dim", 1, limits.MAX_SHAPES),
        left=params.integer("num_frames_left_truncate", 0, limits.MAX_FPS),
        center=params.integer("num_frames_center", 1, limits.MAX_FPS),
        right=params.integer("num_frames_right_truncate", 0, limits.MAX_FPS),
    )
    info = NetworkInfo(
        family="diffusion",
        actor=files.actor,
        version=files.version,
        emotions=emotions,
        default_emotion=params.numbers("default_emotion", len(emotions), 0.0),
        implicit_length=0,
        identities=files.identities,
        skin_shapes=0,
        skin_vertices=_vertices(params, "skin_size", 1),
        tongue_shapes=0,
        tongue_vertices=_vertices(params, "tongue_size", 0),
        jaw_size=params.integer("jaw_size", 9, 300),
        eyes_size=params.integer("eyes_size", 4, 4),
        window_length=window,
        target_offset=window * diffusion.left // diffusion.frames,
        sample_rate=audio.integer("samplerate", 1, limits.MAX_RATE),
        diffusion=diffusion,
    )
    _check_timing(files.info, info, diffusion)
    return info


def _vertices(params: JsonFields, key: str, lowest: int) -> int:
    """Vertices of a size in floats."""
    size = params.integer(key, 3 * lowest, 3 * limits.MAX_VERTICES)
    if size % 3:
        raise UserError(f"{params.path}: {key} has to be a multiple of 3.")
    return size // 3


def _check_timing(fields: JsonFields, info: NetworkInfo, diffusion: DiffusionInfo) -> None:
    """Frames and samples have to go with each other, and one inference into the memory."""
    fps = info.fps
    if fps is None or not limits.MIN_FPS <= fps <= limits.MAX_FPS:
        raise UserError(
            f"{fields.path}: {diffusion.frames} frames in a window of {info.window_length} samples "
            "make no usable frame rate."
        )
    if info.window_length * diffusion.center % diffusion.frames:
        raise UserError(
            f"{fields.path}: the {diffusion.center} kept frames do not take a whole number of "
            "samples."
        )
    noise = (diffusion.steps + 1) * diffusion.frames * info.channels
    if noise > limits.MAX_NOISE_VALUES:
        raise UserError(
            f"{fields.path}: the network wants {noise} values of noise at once; at most "
            f"{limits.MAX_NOISE_VALUES} are accepted."
        )

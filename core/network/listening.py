# SPDX-License-Identifier: GPL-3.0-or-later
"""A model's network: opening it, checking that it fits its folder, and listening with it.

Everything here is common to the families; ``regression``, ``whole_clip`` and ``diffusion`` hold
what each does with the voice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from .. import limits
from ..emotion.track import EmotionTrack
from ..errors import UserError
from ..models.model import DiffusionInfo, Model, NetworkInfo
from ..motion import Motion
from ..parameters import Settings
from ..voice.audio import Clip
from ..windows import WindowPlan, plan_frames, plan_windows
from . import diffusion, regression, whole_clip
from .checkpoint import Checkpoint
from .devices import CPU, OpenNetwork, open_network, resolve
from .lanes import Spread
from .running import Meter

_HINT = "Download the model again, or choose another."
_FEWEST = 16  # frames; a run over the voice needs so much before its first row as windows of these
_OPEN = "any"  # a size that the network must not fix
_Sizes = tuple[int | str, ...]


def open_session(
    model: Model,
    threads: int = 0,
    device: str = CPU,
    engines: Path | None = None,
    spread: Spread | None = None,
) -> OpenNetwork:
    """Open the model's network on a processor; its names, shapes and types are checked.

    The folder's network for whole clips is opened too where there is one. ``threads`` 0 takes as
    many as there are, at most four; ``engines`` as in ``open_network``. A light network on the CPU
    is gone through as ``spread`` does it, then with one thread of its own for each batch.
    Raises UserError when a file is no usable network or does not fit the folder.
    """
    info = model.info
    light = _is_light(model)
    if light and spread is not None and resolve(device) == CPU:
        threads = 1
    else:
        spread = None
    opened = open_network(model.network_path, device, threads, engines)
    opened = replace(opened, light=light, spread=spread or opened.spread)
    inputs, outputs = _diffusion(info, info.diffusion) if info.diffusion else _regression(info)
    _check(opened.session, model.network_path, inputs, outputs)
    path = model.clip_network_path
    if path is None or info.diffusion is not None:
        return opened
    clip = open_network(path, device, threads, engines)
    inputs = {"input": (1, 1, _OPEN), "emotion": (1, _OPEN, info.emotion_length)}
    _check(clip.session, path, inputs, {"result": (1, _OPEN, info.result_length)})
    # On the same processor for the same reason: saying so once is enough.
    same = clip.device == opened.device and len(clip.notices) == len(opened.notices)
    notices = opened.notices if same else (*opened.notices, *clip.notices)
    return replace(opened, notices=notices, clip=clip.session)


def listen(
    opened: OpenNetwork,
    model: Model,
    clip: Clip,
    fps: Fraction,
    emotion: EmotionTrack,
    settings: Settings,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    checkpoint: Checkpoint | Path | None = None,
    meter: Meter | None = None,
) -> Motion:
    """What the network says to a whole voice.

    Regression gives frames at ``fps``; diffusion at its own rate (``Motion.fps``; see ``at_rate``).
    ``emotion`` has one column per name in ``model.info.emotions``. ``progress`` is told the share
    done, 0..1; ``cancelled`` is asked between runs. ``checkpoint`` keeps what a long diffusion run
    has done and resumes it. ``meter`` afterwards holds the time taken and notices; what it wishes
    counts where ``progress`` and ``cancelled`` are None.

    Raises Cancelled, and UserError when the network fails or gives values that are no numbers.
    """
    meter = meter or Meter()
    meter.progress = progress or meter.progress
    meter.cancelled = cancelled or meter.cancelled
    if model.info.diffusion is not None:
        kept = Checkpoint(checkpoint) if isinstance(checkpoint, Path) else checkpoint
        return diffusion.listen(opened, model, clip.samples, emotion, settings, meter, kept)
    info = model.info
    plan = plan_windows(
        len(clip.samples), fps, info.window_length, info.target_offset, settings.prediction_delay
    )
    return _hear(opened, model, clip, plan, emotion, settings, meter)


def listen_near(
    opened: OpenNetwork,
    model: Model,
    clip: Clip,
    fps: Fraction,
    first: int,
    count: int,
    emotion: EmotionTrack,
    settings: Settings,
    meter: Meter,
) -> Motion:
    """What a regression network says in ``count`` frames of a voice from ``first`` on.

    The frames of the whole voice, to rounding. ``emotion`` need be known at these frames only.
    Raises Cancelled and UserError as ``listen``.
    """
    info = model.info
    plan = plan_frames(
        first, count, fps, info.window_length, info.target_offset, settings.prediction_delay
    )
    return _hear(opened, model, clip, plan, emotion, settings, meter, _FEWEST)


def _hear(
    opened: OpenNetwork,
    model: Model,
    clip: Clip,
    plan: WindowPlan,
    emotion: EmotionTrack,
    settings: Settings,
    meter: Meter,
    fewest: int = 1,
) -> Motion:
    """``fewest`` frames from which on a network for whole clips is used where it suits."""
    rows = regression.emotion_rows(model, plan.targets, emotion, settings)
    sliding = (
        opened.clip is not None
        and plan.frame_count >= fewest
        and whole_clip.suits(plan, model.info.clip_stride)
    )
    way = whole_clip.slid if sliding else regression.windowed
    results = way(opened, model, clip.samples, plan, rows, settings.input_strength, meter)
    return regression.split_result(model, results, plan.fps)


def _is_light(model: Model) -> bool:
    """Whether batches are independent and take little memory."""
    if model.info.diffusion is not None:
        return False
    paths = (model.network_path, model.clip_network_path)
    sizes = [path.stat().st_size for path in paths if path is not None]
    return max(sizes) <= limits.LIGHT_NETWORK_BYTES


def _regression(info: NetworkInfo) -> tuple[dict[str, _Sizes], dict[str, _Sizes]]:
    inputs: dict[str, _Sizes] = {
        "input": (_OPEN, 1, info.window_length),
        "emotion": (_OPEN, 1, info.emotion_length),
    }
    return inputs, {"result": (_OPEN, 1, info.result_length)}


def _diffusion(
    info: NetworkInfo, form: DiffusionInfo
) -> tuple[dict[str, _Sizes], dict[str, _Sizes]]:
    steps, frames = form.steps, form.frames
    latents = (steps, form.layers, 1, form.latent_dim)
    inputs: dict[str, _Sizes] = {
        "window": (1, info.window_length),
        "identity": (1, len(info.identities)),
        "emotion": (1, form.center, info.emotion_length),
        "input_latents": latents,
        "noise": (1, steps + 1, frames, info.channels),
    }
    return inputs, {"prediction": (1, frames, info.channels), "output_latents": latents}


def _check(
    session: Any, path: Path, inputs: Mapping[str, _Sizes], outputs: Mapping[str, _Sizes]
) -> None:
    """Compare names, types and sizes; a size that the network leaves open fits any.

    Raises UserError naming the first tensor that is wrong.
    """
    given, made = session.get_inputs(), session.get_outputs()
    for wanted, values in ((inputs, given), (outputs, made)):
        found = {value.name: value for value in values}
        for name, sizes in wanted.items():
            if name not in found:
                raise UserError(f"The network {path} has no tensor called {name!r}.", _HINT)
            _check_tensor(found[name], path, sizes)
    extra = {value.name for value in given} - set(inputs)
    if extra:
        raise UserError(
            f"The network {path} wants unknown inputs: {', '.join(sorted(extra))}.", _HINT
        )


def _check_tensor(value: Any, path: Path, sizes: _Sizes) -> None:
    axes = list(value.shape)
    fits = len(axes) == len(sizes) and all(
        not isinstance(have, int) or have == want for have, want in zip(axes, sizes, strict=True)
    )
    if value.type != "tensor(float)" or not fits:
        wanted = ", ".join(map(str, sizes))
        raise UserError(
            f"The network {path} does not fit its network_info.json: {value.name!r} is "
            f"{value.type} {axes} instead of tensor(float) [{wanted}].",
            _HINT,
        )

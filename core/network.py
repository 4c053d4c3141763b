# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a model's network over a voice with ONNX Runtime.

Regression family of the published models: inputs ``input`` [B, 1, window] and ``emotion``
[B, 1, implicit + explicit], output ``result`` [B, 1, skin | tongue | jaw | eyes]. Every frame is
independent of the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from . import limits
from .arrays import Floats
from .audio import Clip
from .emotion import EmotionTrack, implicit_vector
from .errors import Cancelled, UserError
from .models import Model
from .motion import Motion as Motion
from .parameters import Settings
from .windows import WindowPlan, gather

_HINT = "Download the model again, or choose another."


def default_threads() -> int:
    """Threads for the network when the caller does not say: those there are, at most four."""
    return max(1, min(4, os.cpu_count() or 1))


def open_session(model: Model, threads: int = 0) -> Any:
    """Open the model's network on the processor; its names and shapes are checked.

    ``threads`` 0 takes ``default_threads``. Raises UserError when the file is no usable network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or default_threads()
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    if hasattr(options, "use_deterministic_compute"):
        options.use_deterministic_compute = True
    # Idle threads must not spin: Blender and the worker share the processor.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            str(model.network_path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's own exceptions share no public base
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else "unknown"
        raise UserError(
            f"The network {model.network_path} cannot be opened: {reason}.", _HINT
        ) from error
    _check_signature(session, model)
    return session


def _check_signature(session: Any, model: Model) -> None:
    info = model.info
    wanted = {
        "input": [1, info.window_length],
        "emotion": [1, info.emotion_length],
        "result": [1, info.result_length],
    }
    found = {value.name: value for value in [*session.get_inputs(), *session.get_outputs()]}
    for name, shape in wanted.items():
        value = found.get(name)
        if value is None:
            raise UserError(
                f"The network {model.network_path} has no tensor called {name!r}.", _HINT
            )
        axes = list(value.shape)
        fits = len(axes) == 3 and all(
            isinstance(have, str) or have is None or have == want
            for have, want in zip(axes[1:], shape, strict=True)
        )
        batch_is_free = len(axes) == 3 and not isinstance(axes[0], int)
        if value.type != "tensor(float)" or not fits or not batch_is_free:
            raise UserError(
                f"The network {model.network_path} does not fit its network_info.json: {name!r} "
                f"is {axes} instead of [batch, {shape[0]}, {shape[1]}].",
                _HINT,
            )
    extra = {value.name for value in session.get_inputs()} - set(wanted)
    if extra:
        raise UserError(
            f"The network {model.network_path} wants unknown inputs: {', '.join(sorted(extra))}.",
            _HINT,
        )


def run_network(
    session: Any,
    model: Model,
    clip: Clip,
    plan: WindowPlan,
    emotion: EmotionTrack,
    settings: Settings,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Motion:
    """Run the network for every frame of the plan.

    ``progress`` is told the share done, 0..1; ``cancelled`` is asked between batches.
    Raises Cancelled, and UserError when the network fails or gives values that are no numbers.
    """
    info = model.info
    count = plan.frame_count
    results = np.zeros((count, info.result_length), np.float32)
    emotions = np.zeros((count, info.emotion_length), np.float32)
    emotions[:, : info.implicit_length] = implicit_vector(
        model, settings.source_shot, settings.source_frame
    )
    emotions[:, info.implicit_length :] = emotion.sample(plan.targets / limits.SAMPLE_RATE)
    for first in range(0, count, limits.NETWORK_BATCH):
        if cancelled is not None and cancelled():
            raise Cancelled
        last = min(first + limits.NETWORK_BATCH, count)
        windows = gather(clip.samples, plan, first, last, settings.input_strength)
        results[first:last] = _run(session, model, windows, emotions[first:last])
        if progress is not None:
            progress(last / count)
    return split_result(model, results, plan.fps)


def _run(session: Any, model: Model, windows: Floats, emotions: Floats) -> Floats:
    feeds = {"input": windows[:, None, :], "emotion": emotions[:, None, :]}
    try:
        result = session.run(["result"], feeds)[0]
    except Exception as error:  # the runtime's own exceptions share no public base
        raise UserError(
            f"The network {model.network_path} failed: {str(error).strip()[:200]}.", _HINT
        ) from error
    if result.shape != (len(windows), 1, model.info.result_length):
        raise UserError(
            f"The network {model.network_path} gave an array of the shape {result.shape}.", _HINT
        )
    if not np.isfinite(result).all():
        raise UserError(
            f"The network {model.network_path} gave values that are not numbers.", _HINT
        )
    return result[:, 0]


def split_result(model: Model, results: Floats, fps: Fraction) -> Motion:
    """Cut the network's rows (T, result length) into skin | tongue | jaw | eyes."""
    info = model.info
    sizes = (info.skin_shapes, info.tongue_shapes, info.jaw_size)
    skin, tongue, jaw, eyes = np.split(results, np.cumsum(sizes), axis=1)
    return Motion(
        skin=np.ascontiguousarray(skin),
        tongue=np.ascontiguousarray(tongue),
        jaw=np.ascontiguousarray(jaw).reshape(-1, info.jaw_size // 3, 3),
        eyes=np.ascontiguousarray(eyes).reshape(-1, 2, 2),
        fps=fps,
    )

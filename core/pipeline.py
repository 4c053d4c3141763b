# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path from a voice to the animation of a face.

voice -> clip -> emotion -> network -> motion -> skin, tongue, jaw, eyes -> solve -> face track.
The same voice, settings, model, processor and libraries give the same face, bit for bit. What was
done before is kept and used again by a ``workbench``; here is one run from the beginning.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from .models.model import load_emotion_model, load_model
from .network.listening import open_session
from .solve.pose_table import RigOverrides
from .take import Loaded, Request, Take
from .watch import Check, Progress, Watch
from .workbench import Workbench

__all__ = ["Check", "Loaded", "Progress", "Request", "Take", "animate", "open_model", "redo"]


def open_model(
    folder: str | Path,
    identity: str = "",
    device: str = "cpu",
    threads: int = 0,
    emotion_folder: str = "",
    low_delay: bool = False,
) -> Loaded:
    """Read one person of a model folder and open its network on a processor.

    ``emotion_folder`` is an Audio2Emotion model to read the emotion with; ``low_delay`` takes the
    folder's network for live use. Raises UserError.
    """
    model = load_model(folder, identity)
    model = model.low_delay() if low_delay else model
    loaded = Loaded(model, open_session(model, threads, device))
    if not emotion_folder:
        return loaded
    from .emotion.detection import open_emotion_session

    emotion_model = load_emotion_model(emotion_folder)
    network = open_emotion_session(emotion_model, threads, device)
    return replace(loaded, emotion_model=emotion_model, emotion_network=network)


def animate(
    request: Request,
    progress: Progress | None = None,
    cancelled: Check | None = None,
    loaded: Loaded | None = None,
) -> Take:
    """Animate a face from a voice.

    ``progress(share, text)`` is called with 0..1, ``cancelled()`` is asked between blocks.
    ``loaded`` spares opening the model again. Raises UserError (one clear sentence) and Cancelled.
    """
    watch = Watch(progress, cancelled)
    watch.tell(0.0, "Opening the model")
    begin = time.perf_counter()
    if loaded is None:
        identity = request.settings.get("identity", "")
        loaded = open_model(
            request.model,
            identity if isinstance(identity, str) else "",
            request.device,
            request.threads,
            request.emotion.model if request.emotion.mode != "off" else "",
        )
    opening_s = time.perf_counter() - begin
    take = Workbench(loaded).face(request, progress, cancelled)
    return replace(take, timings={"model": opening_s, **take.timings})


def redo(
    take: Take,
    loaded: Loaded,
    settings: Mapping[str, object] | None = None,
    rigs: RigOverrides | None = None,
    fps: Fraction | None = None,
    progress: Progress | None = None,
    cancelled: Check | None = None,
) -> Take:
    """A saved take with other values after the network; what is None stays as it is.

    ``settings`` are meant as in a request: names left out are the model's (``take.values`` holds
    the take's). Raises UserError, also when a change would need the voice, and Cancelled.
    """
    return Workbench.from_take(loaded, take).redo(settings, rigs, fps, progress, cancelled)

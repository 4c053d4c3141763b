# SPDX-License-Identifier: GPL-3.0-or-later
"""Animating a face from a whole voice, and the hints about which models will be needed."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from fractions import Fraction
from typing import Any

import bpy

from ..core.voice.audio import Voice
from ..operators import animation_job, pump, worker_host
from ..operators.animation_job import Result
from ..operators.asking import Progress, ask
from ..properties.library import preferences
from ..scene.parts import parts_of
from ..scene.rates import parse_rate
from ..scene.sounds import VoiceSource
from .emotion import EmotionParameters
from .jobs import Job
from .orders import choose
from .providers import Provider, find_provider
from .samples import Samples

ENDING_S = 3.0


def animate(
    face: bpy.types.Object,
    voice: bpy.types.Sound | VoiceSource | Samples | str,
    *,
    emotion: EmotionParameters | None = None,
    face_parameters: Mapping[str, float] | None = None,
    provider: str = "",
    emotion_model: str | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str | None = None,
    fps: str | float | Fraction | None = None,
    start_frame: float | None = None,
    channel: int | None = None,
    place_sound: bool = True,
    head_target: bpy.types.Object | None = None,
    head_bone: str = "",
    accept_licence: bool = False,
    output: str = "SHAPE_KEYS",
    scene: bpy.types.Scene | None = None,
) -> Job[Result]:
    """Start to animate a face; returns at once. From Blender's main thread only.

    ``face``             mesh with ARKit-named shape keys, or a part of the template head
    ``voice``            a Sound (packed too), a file's path, raw samples, or a VoiceSource
    ``face_parameters``  by the camelCase names of the SDK, such as lowerFaceStrength
    ``provider``         one of ``providers()``; "" is the default
    ``emotion_model``    Audio2Emotion folder, or its name in the library; None is the scene's
                         choice, "" detects nothing
    ``settings``         any parameter by its name in ``core.parameters``
    ``device``           as the command line lists them; None is that of the preferences
    ``fps``, ``start_frame``  None: the scene's; ``channel`` 0-based, None mixes all
    ``place_sound``      put the voice into the sequencer (raw samples never are)
    ``head_target``      object that head motion turns, or an armature with its ``head_bone``; None:
                         the template head itself, and nothing of another face
    ``accept_licence``   accept the terms of the models that are used
    ``output``           what the face moves by: "SHAPE_KEYS", "VERTICES" (the network's full
                         geometry through a Mesh Cache modifier, which needs a mesh of its topology
                         but no shape keys) or "BOTH"
    ``scene``            None: the present one

    Raises UserError, naming the argument, for what can be seen at once; the job tells the rest.
    """
    pump.require_main_thread("api.animate")
    where = scene or bpy.context.scene
    chosen = choose(where, provider, emotion, face_parameters, emotion_model, settings, device)
    request = animation_job.make_request(
        where,
        [parts_of(face, head_target, head_bone, keyless=output == "VERTICES")],
        _source(voice, channel),
        accept_licence=accept_licence,
        fps=None if fps is None else parse_rate(fps),
        start_frame=start_frame,
        settings=chosen.settings,
        model=chosen.model,
        identity=chosen.identity,
        emotion=chosen.emotion,
        device=chosen.device,
        threads=chosen.threads,
        place_sound=place_sound,
        output=output,
    )
    return Job(animation_job.animation_steps(request))


def _source(
    voice: bpy.types.Sound | VoiceSource | Samples | str, channel: int | None
) -> VoiceSource | Voice:
    if isinstance(voice, Samples):
        made = voice.voice()
        return Voice(data=made.data, name=made.name, channel=channel)
    if isinstance(voice, VoiceSource):
        return voice
    if isinstance(voice, bpy.types.Sound):
        return VoiceSource("SOUND", voice.name, channel)
    return VoiceSource("FILE", str(voice), channel)


def allocate(
    provider: str = "", *, device: str | None = None, accept_licence: bool = False
) -> Job[None]:
    """Hint that a provider will be needed: its model is opened already. Harmless twice.

    ``accept_licence`` accepts the terms of the model, where the library has not.
    Raises UserError for an unknown name, and for terms that nobody has accepted.
    """
    pump.require_main_thread("api.allocate")
    found = find_provider(provider)
    animation_job.check_terms(str(found.folder), None, accept_licence)
    return Job(_allocate(found, device))


def free(provider: str | None = "", *, device: str | None = None) -> Job[None]:
    """Hint that a provider is not needed for now; None frees all of them.

    It takes effect when running work ends and really gives the memory back. The model is opened
    again by its next use, so freeing often delays starts. Raises UserError for an unknown name.
    """
    pump.require_main_thread("api.free")
    model = None if provider is None else str(find_provider(provider).folder)
    return Job(_free(model, device))


def _allocate(found: Provider, device: str | None) -> Generator[Progress, None, None]:
    known = preferences()
    name = device if device is not None else str(getattr(known, "device", ""))
    args = {"model": str(found.folder), "identity": found.identity, "device": name}
    yield from ask("allocate", args, device=name, threads=int(getattr(known, "threads", 0)))


def _free(model: str | None, device: str | None) -> Generator[Progress, None, None]:
    tickets = worker_host.free(model, device)
    while not all(ticket.finished for ticket in tickets):
        worker_host.poll()
        yield Progress(0.0, "Freeing")
    end = time.monotonic() + ENDING_S
    while worker_host.poll() and time.monotonic() < end:  # a worker that holds nothing ends
        yield Progress(1.0, "Freeing")

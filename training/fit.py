# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the listener; goes on from its last checkpoint.

Three fits share this code: the *draft*, short, only to realign the speech with; the *final* one;
and the *live* one, which begins with the final weights and learns to look ahead less.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from .coarticulation import BILABIAL, viseme_frames
from .lessons import Batches, Lessons, read_lessons
from .network import FRAME_S, RATE, Listener, parameter_count
from .paths import cache_folder
from .progress import say
from .realign import half_frame_posteriors, realigned_path
from .recipe import Recipe
from .side_by_side import cores, results
from .trainer import Plan, Trainer
from .weights import read_listener, write_listener

FITS = ("draft", "final", "live")
HEARD = 0.4  # posterior of a closure from which on it counts as heard


def fit_path(recipe: Recipe, name: str) -> Path:
    """Where the weights of a fit are kept; another recipe has its own."""
    tables = (("speech",), ("timing",), ("augment",), ("fit",))
    return cache_folder("fit", recipe.identity(*tables)) / f"{name}.pt"


def needed_fit(recipe: Recipe, name: str) -> Path:
    """The weights of a fit that has to be there. Raises RuntimeError naming the stage."""
    path = fit_path(recipe, name)
    if not path.exists():
        stage = "fit" if name == "final" else name
        raise RuntimeError(f"There is no such network yet: run `python training {stage}` first.")
    return path


def fit(
    recipe: Recipe,
    name: str,
    steps: int | None = None,
    minutes: float | None = None,
    device: str = "cpu",
    loaders: int | None = None,
) -> Path:
    """Train one of ``FITS`` and return the file of weights.

    ``steps`` or ``minutes`` stand for the recipe's; of both, steps count. ``device`` is ``cpu``
    or ``cuda``; ``loaders`` processes draw the batches for it. Raises RuntimeError without a GPU.
    """
    options = {**recipe.section("fit"), **recipe.section("fit", name)}
    prepare_device(device, options["threads"])
    torch.manual_seed(recipe.seed)
    lessons = _lessons(recipe, name)
    network = Listener(options["channels"], options["dilations"], options["dropout"])
    start = ""
    if name == "live":
        final = needed_fit(recipe, "final")
        network.load_state_dict(read_listener(final).listener.state_dict())
        start = hashlib.sha256(final.read_bytes()).hexdigest()
    say(
        f"{name}: {len(lessons.train)} utterances, {lessons.seconds / 60:.1f} min, "
        f"{lessons.aligned} aligned, {lessons.realigned} realigned, {len(lessons.held_out)} "
        f"held out, {parameter_count(network) / 1e6:.2f} M parameters"
    )
    wanted = None if steps else 60.0 * (minutes or options["minutes"])
    told = [start, len(lessons.train), lessons.realigned, steps, wanted]
    identity = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
    path = fit_path(recipe, name)
    checkpoint = path.with_name(f"{name}_{identity}.checkpoint")
    trainer = Trainer(Plan(name, options, steps, wanted, checkpoint, device), network)
    batches = Batches(recipe, lessons, network.margin, options.get("ahead", 0))
    drawn = results(lambda: batches.draw, loaders or options["loaders"], trainer.step)
    with contextlib.closing(drawn):
        trainer.run(drawn)
    trained = trainer.averaged.cpu()
    report = held_out_report(trained, lessons, recipe, options.get("ahead", 0))
    say(f"{name}: held-out voices {json.dumps(report)}")
    facts = {
        "recipe": recipe.sha256,
        "channels": network.channels,
        "dilations": network.dilations,
        "steps": trainer.step,
        "fit_minutes": trainer.seconds / 60,
        "device": device_name(device),
        "minutes": lessons.seconds / 60,
        "utterances": len(lessons.train),
        "aligned": lessons.aligned,
        "realigned": lessons.realigned,
        "held_out": report,
    }
    write_listener(path, trained, facts)
    return path


def prepare_device(device: str, threads: int) -> None:
    """Set torch up for the device. Raises RuntimeError where there is no such GPU."""
    torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("This torch finds no CUDA device: leave out --device cuda.")
    # Short products are asked for where they do no harm; the spectra need all their digits.
    torch.backends.cudnn.allow_tf32 = False


def device_name(device: str) -> str:
    """What a model card calls the device."""
    if device == "cuda":
        return f"a GPU ({torch.cuda.get_device_name()}), {cores()} cores beside it"
    return f"a processor of {cores()} cores"


def _lessons(recipe: Recipe, name: str) -> Lessons:
    draft = fit_path(recipe, "draft")
    if name == "draft" or not draft.exists():
        return read_lessons(recipe)
    return read_lessons(recipe, lambda path: realigned_path(recipe, draft, path))


def held_out_report(
    network: Listener, lessons: Lessons, recipe: Recipe, ahead: int = 0
) -> dict[str, float]:
    """Accuracy in speech frames and closure recall on voices that were not trained on."""
    lead = recipe.section("timing", "lead")["contact"]
    right = spoken = closed = closures = false = 0
    for lesson in lessons.held_out:
        posteriors = half_frame_posteriors(network, lesson.samples.astype("float32"))[::2]
        times = FRAME_S * np.arange(len(posteriors)) + lead + ahead / RATE
        wanted = viseme_frames(lesson.sounds, times)
        voiced = wanted > 0
        right += int((posteriors.argmax(1)[voiced] == wanted[voiced]).sum())
        spoken += int(voiced.sum())
        heard = posteriors[:, BILABIAL]
        for sound in lesson.sounds:
            inside = (times >= sound.start) & (times < sound.end)
            if sound.viseme == BILABIAL and inside.any():
                closures += 1
                closed += bool(heard[inside].max() > HEARD)
        near = np.convolve(wanted == BILABIAL, np.ones(7), "same") > 0
        false += int(((heard > HEARD) & ~near).sum())
    return {
        "speech_frames": round(right / max(1, spoken), 4),
        "closures_heard": round(closed / max(1, closures), 4),
        "false_closed_frames": round(false / max(1, spoken), 4),
    }

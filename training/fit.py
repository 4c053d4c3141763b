# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the listener on the aligned speech; goes on from its last checkpoint."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .augment import Augmenter
from .coarticulation import BILABIAL, CLOSE, target_frames, viseme_frames
from .network import FRAME_S, RATE, Listener, parameter_count
from .paths import cache_folder
from .phones import VISEMES, Sound, sounds
from .progress import Progress, say
from .recipe import Recipe
from .speech import spoken_files
from .timing import timed_segments


@dataclass(frozen=True)
class Lesson:
    """One utterance ready for training."""

    samples: np.ndarray  # float32 (N,)
    sounds: list[Sound]
    voice: str


@dataclass(frozen=True)
class Lessons:
    """Training and held-out utterances with how often each is drawn."""

    train: list[Lesson]
    share: np.ndarray
    held_out: list[Lesson]
    aligned: int


def read_lessons(recipe: Recipe) -> Lessons:
    """All speech made so far; the held-out voices are kept apart."""
    held_names = set(recipe.section("speech", "kokoro")["held_out"])
    weights = recipe.section("fit", "family_weights")
    train, share, held_out, aligned = [], [], [], 0
    for path in spoken_files():
        recording, segments, is_aligned = timed_segments(path, recipe)
        lesson = Lesson(recording.floats, sounds(segments), recording.voice)
        aligned += is_aligned
        if held_names.intersection(recording.voice.split("+")):
            held_out.append(lesson)
        else:
            train.append(lesson)
            share.append(weights[recording.family] * len(lesson.samples))
    if not train:
        raise RuntimeError("There is no speech yet: run `python training speech` first.")
    return Lessons(train, np.array(share) / np.sum(share), held_out, aligned)


class Batches:
    """Draws augmented batches: samples, viseme classes, curves."""

    def __init__(self, recipe: Recipe, lessons: Lessons, margin: int, seed: int) -> None:
        self.options = recipe.section("fit")
        self.lessons, self.margin = lessons, margin
        self.leads = recipe.section("timing", "lead")
        self.rng = np.random.default_rng(seed)
        self.augment = Augmenter(recipe.section("augment"), RATE, self.rng, self._babble)
        self.frames = round(self.options["seconds"] / FRAME_S)
        self.length = 2 * margin + (self.frames - 1) * round(FRAME_S * RATE)
        self.times = margin / RATE + FRAME_S * np.arange(self.frames)

    def draw(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Tensors (B, 1, N), (B, T) and (B, 7, T)."""
        drawn = [self._one() for _ in range(self.options["batch"])]
        samples, classes, curves = (np.stack(part) for part in zip(*drawn, strict=True))
        return (
            torch.from_numpy(samples)[:, None],
            torch.from_numpy(classes),
            torch.from_numpy(curves).transpose(1, 2),
        )

    def _one(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self.rng.random() < self.options["quiet_share"]:
            samples = self.augment.quiet(self.length)
            heard: list[Sound] = []
        else:
            samples, heard = self._excerpt()
        classes, curves = target_frames(
            heard, self.times, self.leads["motion"], self.leads["contact"]
        )
        return samples, classes, curves

    def _excerpt(self) -> tuple[np.ndarray, list[Sound]]:
        import soxr

        lesson = self.lessons.train[self.rng.choice(len(self.lessons.train), p=self.lessons.share)]
        pace = self.augment.pace()
        samples = lesson.samples
        if pace != 1.0:
            samples = soxr.resample(samples, RATE, RATE * pace)
        room = self.length - self.margin
        start = int(self.rng.integers(-room // 4, max(1, len(samples) - room // 2)))
        excerpt = np.zeros(self.length, np.float32)
        first, last = max(0, start), min(len(samples), start + self.length)
        excerpt[first - start : last - start] = samples[first:last]
        moved = start / RATE
        heard = [
            Sound(s.viseme, s.rounded, s.start * pace - moved, s.end * pace - moved)
            for s in lesson.sounds
        ]
        return self.augment(excerpt), heard

    def _babble(self, count: int) -> np.ndarray:
        lesson = self.lessons.train[self.rng.integers(len(self.lessons.train))]
        return np.resize(lesson.samples, count).astype(np.float64)


def losses(
    network: Listener, batch: tuple[torch.Tensor, ...], options: dict[str, Any]
) -> tuple[torch.Tensor, dict[str, float]]:
    """The training loss and its parts."""
    samples, classes, curves = batch
    viseme_logits, curve_logits = network(samples)
    weights = torch.tensor([options["viseme_weights"].get(name, 1.0) for name in VISEMES])
    viseme = functional.cross_entropy(
        viseme_logits, classes, weight=weights, label_smoothing=options["label_smoothing"]
    )
    emphasis = torch.ones_like(curves)
    emphasis[:, CLOSE] += options["closure_emphasis"] * (curves[:, CLOSE] > 0.9)
    curve = functional.binary_cross_entropy_with_logits(curve_logits, curves, weight=emphasis)
    shown = curve_logits.sigmoid()
    speed = functional.mse_loss(shown.diff(dim=2), curves.diff(dim=2))
    total = viseme + options["curve_weight"] * curve + options["speed_weight"] * speed
    return total, {"viseme": viseme.item(), "curve": curve.item(), "speed": speed.item()}


def fit(recipe: Recipe, steps: int | None = None, minutes: float | None = None) -> Path:
    """Train for the recipe's steps (or ``steps``) and return the file of weights."""
    torch.set_num_threads(recipe.section("fit")["threads"])
    torch.manual_seed(recipe.seed)
    options = recipe.section("fit")
    total = steps or options["steps"]
    lessons = read_lessons(recipe)
    hours = sum(len(lesson.samples) for lesson in lessons.train) / RATE / 3600
    network = Listener(options["channels"], options["dilations"])
    say(
        f"fit: {len(lessons.train)} utterances, {60 * hours:.1f} min, {lessons.aligned} aligned, "
        f"{len(lessons.held_out)} held out, {parameter_count(network) / 1e6:.2f} M parameters"
    )
    trainer = _Trainer(recipe, lessons, network, total)
    trainer.run(minutes)
    path = cache_folder("fit") / "network.pt"
    report = held_out_report(trainer.averaged, lessons, recipe)
    say(f"fit: held-out voices {json.dumps(report)}")
    torch.save(
        {
            "weights": trainer.averaged.state_dict(),
            "recipe": recipe.sha256,
            "steps": trainer.step,
            "minutes": 60 * hours,
            "utterances": len(lessons.train),
            "aligned": lessons.aligned,
            "held_out": report,
        },
        path,
    )
    return path


class _Trainer:
    """One run of optimisation with checkpoints and a running mean of the weights."""

    def __init__(self, recipe: Recipe, lessons: Lessons, network: Listener, total: int) -> None:
        self.recipe, self.lessons, self.network, self.total = recipe, lessons, network, total
        self.options = recipe.section("fit")
        self.optimiser = torch.optim.AdamW(
            network.parameters(), self.options["rate"], weight_decay=self.options["decay"]
        )
        self.averaged = Listener(self.options["channels"], self.options["dilations"])
        self.averaged.load_state_dict(network.state_dict())
        self.averaged.eval()
        self.step = 0
        identity = f"{recipe.sha256} {total} {len(lessons.train)}".encode()
        name = hashlib.sha256(identity).hexdigest()[:12]
        self.checkpoint = cache_folder("fit") / f"checkpoint_{name}.pt"
        if self.checkpoint.exists():
            self._restore()

    def run(self, minutes: float | None) -> None:
        """Train until the last step, or until ``minutes`` have passed."""
        progress = Progress("fit", self.total, "steps", every=30.0)
        begun = saved = time.monotonic()
        batches = Batches(
            self.recipe, self.lessons, self.network.margin, self.recipe.seed + self.step
        )
        parts: dict[str, float] = {}
        while self.step < self.total:
            told = self._advance(batches)
            parts = {
                key: 0.95 * parts.get(key, value) + 0.05 * value for key, value in told.items()
            }
            progress.update(self.step, " ".join(f"{k} {v:.3f}" for k, v in parts.items()))
            if time.monotonic() - saved > self.options["checkpoint_seconds"]:
                self._save()
                saved = time.monotonic()
            if minutes is not None and time.monotonic() - begun > 60 * minutes:
                break
        self._save()
        progress.finish(self.step, " ".join(f"{k} {v:.3f}" for k, v in parts.items()))

    def _advance(self, batches: Batches) -> dict[str, float]:
        warm = min(1.0, (self.step + 1) / self.options["warm_up"])
        wave = 0.5 * (1 + math.cos(math.pi * self.step / self.total)) + 0.01
        for group in self.optimiser.param_groups:
            group["lr"] = self.options["rate"] * warm * wave
        self.network.train()
        loss, parts = losses(self.network, batches.draw(), self.options)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.step += 1
        self._average()
        return parts

    def _average(self) -> None:
        keep = min(self.options["averaging"], self.step / (self.step + 10))
        with torch.no_grad():
            current = self.network.state_dict()
            for name, mean in self.averaged.state_dict().items():
                if mean.dtype.is_floating_point:
                    mean.lerp_(current[name], 1 - keep)
                else:
                    mean.copy_(current[name])

    def _save(self) -> None:
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
            },
            part,
        )
        part.rename(self.checkpoint)

    def _restore(self) -> None:
        stored = torch.load(self.checkpoint, weights_only=True)
        self.network.load_state_dict(stored["network"])
        self.averaged.load_state_dict(stored["averaged"])
        self.optimiser.load_state_dict(stored["optimiser"])
        self.step = int(stored["step"])
        say(f"fit: going on from step {self.step}")


def held_out_report(network: Listener, lessons: Lessons, recipe: Recipe) -> dict[str, float]:
    """Accuracy in speech frames and closure recall on voices that were not trained on."""
    lead = recipe.section("timing", "lead")["contact"]
    right = spoken = closed = closures = false = 0
    for lesson in lessons.held_out:
        padded = np.pad(
            lesson.samples / (np.abs(lesson.samples).max() + 1e-6) * 0.5, network.margin
        )
        with torch.no_grad():
            logits, _ = network(torch.from_numpy(padded.astype(np.float32))[None, None])
        posteriors = logits[0].softmax(0).numpy().T
        times = FRAME_S * np.arange(len(posteriors)) + lead
        wanted = viseme_frames(lesson.sounds, times)
        voiced = wanted > 0
        right += int((posteriors.argmax(1)[voiced] == wanted[voiced]).sum())
        spoken += int(voiced.sum())
        heard = posteriors[:, BILABIAL]
        for sound in lesson.sounds:
            inside = (times >= sound.start) & (times < sound.end)
            if sound.viseme == BILABIAL and inside.any():
                closures += 1
                closed += bool(heard[inside].max() > 0.4)
        near = np.convolve(wanted == BILABIAL, np.ones(7), "same") > 0
        false += int(((heard > 0.4) & ~near).sum())
    return {
        "speech_frames": round(right / max(1, spoken), 4),
        "closures_heard": round(closed / max(1, closures), 4),
        "false_closed_frames": round(false / max(1, spoken), 4),
    }

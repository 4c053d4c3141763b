# SPDX-License-Identifier: GPL-3.0-or-later
"""Step 3 of the repair of times: the network aligns the speech that pocketsphinx cannot well.

A first, short fit knows how sounds sound, whatever the language. The boundaries between the known
phones go where its viseme posteriors fit best, each at most ``largest_move`` from where it was,
and rather less than more. English that is aligned already stays: there the aligner is at home.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch

from .network import HOP, RATE, Listener
from .own import FAMILY
from .paths import cache_folder
from .phones import SILENCE, VISEMES, Segment, sounds
from .progress import Progress
from .recipe import Recipe
from .speech import spoken_files
from .timing import Timed, read_segments, timed, write_segments
from .weights import read_listener

STEP_S = HOP / RATE  # 10 ms: two passes of the network, half a frame apart
LEAST = 1e-3  # posterior below which a frame does not get worse


def realign_speech(recipe: Recipe, draft: Path) -> None:
    """Realign what needs it with the network of the file ``draft``; what is done stays."""
    torch.set_num_threads(recipe.section("fit")["threads"])
    network = read_listener(draft).listener
    options = recipe.section("timing", "realign")
    lead = recipe.section("timing", "lead")["contact"]
    files = spoken_files(recipe)
    progress = Progress("realign", len(files), "utterances")
    moved: list[float] = []
    for number, path in enumerate(files, 1):
        told = timed(path, recipe)
        if needs_realigning(told, options["aligner_languages"]):
            stored = realigned_path(recipe, draft, path)
            if not stored.exists():
                posteriors = half_frame_posteriors(network, told.recording.floats)
                write_segments(stored, realigned(told.segments, posteriors, lead, options))
            pairs = zip(_lasting(told.segments), read_segments(stored), strict=True)
            moved.extend(after.start - before.start for before, after in pairs)
        progress.update(number)
    spread = np.percentile(1000 * np.array(moved or [0.0]), [10, 50, 90]).round(1).tolist()
    progress.finish(len(files), f"boundaries moved by (10, 50, 90 of 100) {spread} ms")


def needs_realigning(told: Timed, aligner_languages: list[str]) -> bool:
    """Whether the aligner failed, or does not know the language well."""
    if told.recording.family == FAMILY:
        return False
    return not told.aligned or told.recording.language not in aligner_languages


def realigned_path(recipe: Recipe, draft: Path, path: Path) -> Path:
    """Where the result is kept: another first network or recipe gives other files."""
    network = hashlib.sha256(draft.read_bytes()).hexdigest()[:10]
    name = f"{path.parent.name}-{recipe.identity(('timing',))}-{network}"
    return cache_folder("realigned", name) / path.name


def half_frame_posteriors(network: Listener, samples: np.ndarray) -> np.ndarray:
    """Viseme posteriors (T, 15) every 10 ms, the first at time zero."""
    padded = np.pad(samples / (np.abs(samples).max() + 1e-6) * 0.5, (network.margin,) * 2)
    told = []
    with torch.no_grad():
        for begin in (0, HOP):
            logits, _ = network(torch.from_numpy(padded[begin:].astype(np.float32))[None, None])
            told.append(logits[0].softmax(0).numpy().T)
    count = min(len(told[0]), len(told[1]))
    return np.stack([told[0][:count], told[1][:count]], axis=1).reshape(-1, len(VISEMES))


def realigned(
    segments: list[Segment], posteriors: np.ndarray, lead: float, options: dict[str, float]
) -> list[Segment]:
    """``segments`` (in order) with the starts and ends that fit the posteriors (T, 15) best.

    Frame k of the posteriors shows the mouth at ``k * STEP_S``, which is ``lead`` before its
    sound. The best path over the boundaries is found exactly (Viterbi); of a boundary's places,
    0.01 s apart, those nearer to where it was are likelier (normal, ``move_spread`` seconds).
    """
    segments = _lasting(segments)
    reach = round(options["largest_move"] / STEP_S)
    moves = np.arange(-reach, reach + 1)
    before = -0.5 * (moves * STEP_S / options["move_spread"]) ** 2
    bounds = np.array([segments[0].start, *(s.end for s in segments)])
    places = np.round((bounds - lead) / STEP_S).astype(int)[:, None] + moves  # (n + 1, K)
    fits = segment_fits(segments, posteriors)
    inside = places.clip(0, len(posteriors))
    ends = np.where(moves == 0, 0.0, -np.inf)  # the first start and the last end stay
    score = ends
    came: list[np.ndarray] = []
    for number in range(len(segments)):
        first, last = inside[number], inside[number + 1]
        gained = fits[number, last][None, :] - fits[number, first][:, None]
        gained = np.where(places[number + 1][None] > places[number][:, None], gained, -np.inf)
        paths = score[:, None] + gained
        came.append(paths.argmax(axis=0))
        score = paths.max(axis=0) + (before if number + 1 < len(segments) else ends)
    if not np.isfinite(score.max()):
        return segments  # so short that no order of the boundaries is possible
    chosen = [int(score.argmax())]
    for back in reversed(came):
        chosen.append(int(back[chosen[-1]]))
    shift = moves[np.array(chosen[::-1])] * STEP_S
    times = (bounds + shift).clip(min=0.0)
    return [Segment(s.phone, float(times[i]), float(times[i + 1])) for i, s in enumerate(segments)]


def _lasting(segments: list[Segment]) -> list[Segment]:
    """Without the phones that a voice has left out."""
    return [segment for segment in segments if segment.end > segment.start]


def segment_fits(segments: list[Segment], posteriors: np.ndarray) -> np.ndarray:
    """Sums of log posteriors (n, T + 1): of frames 0 .. k - 1, were they all this segment's."""
    shown = sounds(segments)
    totals = np.zeros((len(segments), len(posteriors) + 1))
    for row, segment in zip(totals, segments, strict=True):
        parts = [s for s in shown if segment.start <= 0.5 * (s.start + s.end) < segment.end]
        visemes = [s.viseme for s in parts] or [VISEMES.index(SILENCE)]
        row[1:] = np.cumsum(np.log(posteriors[:, visemes].max(axis=1) + LEAST))
    return totals

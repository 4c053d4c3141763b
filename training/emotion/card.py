# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501 - rows of a table cannot be broken
"""The model card that lies in the emotion model's folder, and the tables in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ...core.parameters import EMOTION_NAMES
from .fitting import CLASSES, LABELS, targets
from .measuring import APART, FOUR, LEAST_RECALL, MOST_EMOTION, Measured
from .recipe import Recipe

SETS = {
    "recordings": "3.75 s around the recording's middle",
    "windows": "1.4 s inside of the recording, every 0.5 s",
    "keys": "1.4 s around the panel's keys, ends included",
}


def tables(measured: Measured) -> str:
    """All figures of the speakers who were left out, as Markdown."""
    heard = measured.heard
    recall = [
        [SETS[name], len(one.labels), one.recall(), one.recall(LABELS)]
        for name, one in heard.items()
    ]
    apart = measured.boredom[APART]
    seven = [[SETS[name], apart[name].recall(CLASSES)] for name in heard]
    calm = [
        [SETS[name], *(f"{one.emotions('neutral')[place]:.3f}" for place in _places())]
        for name, one in heard.items()
    ]
    found = [
        [emotion, *(f"{heard['recordings'].emotions(emotion)[place]:.2f}" for place in _places())]
        for emotion in CLASSES
    ]
    bored = [
        [
            way,
            *(one[name].recall() for name in heard),
            float(one["recordings"].emotions("boredom").max()),
            float(one["recordings"].emotions("neutral").max()),
        ]
        for way, one in measured.boredom.items()
    ]
    names = [EMOTION_NAMES[place] for place in _places()]
    return "\n\n".join([
        "Unweighted average recall (chance: 0.25, and 0.17 for six), as the network is given out:",
        _table(["heard", "number", "anger, joy, neutral, sadness", "all six"], recall),
        "The same features with boredom told apart as well, not calibrated, seven classes (chance: 0.14):",
        _table(["heard", "all seven"], seven),
        f"Confusion of the four, {SETS['recordings']} (rows: what was acted, columns: what was heard):",
        _confusion(heard["recordings"].confusion(FOUR), FOUR),
        "Confusion of all six:",
        _confusion(heard["recordings"].confusion(), LABELS),
        "Confusion of the four, 1.4 s inside of the recording:",
        _confusion(heard["windows"].confusion(FOUR), FOUR),
        "What the face is given on average while neutral is spoken: the emotions after the default "
        "post-processing (contrast 1, all six kept), before the overall strength, which takes 0.6 of them:",
        _table(["heard", *names], calm),
        f"The same for what else is acted, {SETS['recordings']}:",
        _table(["acted", *names], found),
        "By what was done with boredom in training, not calibrated: recall of the four, and the most of "
        "any emotion that bored and neutral speech is given on average:",
        _table(["boredom", *(SETS[name] for name in heard), "bored", "neutral"], bored),
    ])  # fmt: skip


def verdict(measured: Measured) -> str:
    """Whether the demands are met, in one line."""
    calm = max(float(one.emotions("neutral").max()) for one in measured.heard.values())
    recall = measured.heard["recordings"].recall()
    return (
        f"emotion: recall of four {recall:.3f} (over {LEAST_RECALL:.2f} is demanded), most emotion "
        f"of neutral speech {calm:.3f} (under {MOST_EMOTION:.2f}): "
        + ("passed" if measured.passes else "NOT passed")
    )


def _places() -> list[int]:
    return sorted(place for place in targets(LABELS) if place >= 0)


def _confusion(table: np.ndarray, among: Sequence[str]) -> str:
    rows = [[emotion, *table[place]] for place, emotion in enumerate(CLASSES)]
    return _table(["", *among], [row for row in rows if row[0] in among or len(among) > 4])


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    def cells(row: Sequence[Any]) -> str:
        told = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row)
        return "| " + " | ".join(told) + " |"

    return "\n".join([cells(head), "|" + "---|" * len(head), *map(cells, rows)])


def model_card(recipe: Recipe, facts: Mapping[str, Any], measured: Measured) -> str:
    """README.md of the folder: what it is, what it was made from, how well it does."""
    speakers = ", ".join(facts["speakers"])
    numbers = ", ".join(f"{name} {value}" for name, value in asdict(recipe).items())
    best = measured.heard["recordings"]
    return f"""# Facewright's emotion network

Hears in a voice whether it sounds angry, disgusted, fearful, happy, neutral or sad, so that a face
can show some of it. The folder has the layout of Audio2Emotion: `input_values` [batch, samples]
at 16 kHz give `output` [batch, 6], logits in the order {", ".join(LABELS)}. Any number of samples
from 5,000 on will do, at any level.

It is small and careful: a linear judgement of {facts["features"]} features that are computed
inside of the network. How excited a voice is, it hears well; whether that is anger or joy, often not.

## What is inside

- The colour of the voice (24 log-mel bands: average, spread, movement, and the average where it
  is voiced), the movement of its loudness, its pitch (by autocorrelation) and how that moves, how
  periodic it is, how often it sets in.
- All of them are averages over the frames that are loud enough, against the window's own loud
  level. Neither the level of the recording nor silence around the voice matters.
- Logistic regression on these, calibrated for speech of which {recipe.neutral:.0%} is neutral.
- Silence, noise, hums and tones are neutral: without a pitch, or without change, there is no voice.

## How it was made

`python tools/dev.py train emotion --emotion FOLDER` makes it again from the recordings, which
are no part of the project. Every number: {numbers}.

| | |
|---|---|
| recordings | {facts["recordings"]}, {facts["minutes"]:.1f} min, speakers {speakers} |
| with changed copies (pace, equaliser, noise, cuts, silence) and noise alone | {facts["rows"]} |

## Data and licences

| source | use | licence |
|---|---|---|
| Berlin Database of Emotional Speech (EmoDB; F. Burkhardt and others, 2005), {len(facts["speakers"])} of its 10 speakers | training and measuring | published as CC0 |

Boredom, which a face has no emotion for, is called neutral in training: the last table says what
the other ways give. The recall of the four hangs little on it; but bored speech should leave the
face alone.

Licence of this folder: GPL-3.0-or-later, like the rest of Facewright. It has no other terms.

## Measured

Each speaker was heard by a network that was trained and calibrated with the others alone. The
network of this folder was made in the same way with all speakers, so these figures are about
what it does with a voice that it does not know, if it is acted German like these.
The features and the numbers above were chosen while looking at figures of this kind, of the same
speakers: they flatter it a little.

{tables(measured)}

## Limits

- Acted German speech of {len(facts["speakers"])} grown-up speakers, recorded without noise. **How well it hears other
  corpora, languages, children or emotion that is not acted is unknown**; expect less than above.
- Anger and joy are taken for each other: of {int((best.labels == CLASSES.index("happy")).sum())} joyful recordings {int(best.confusion(FOUR)[CLASSES.index("happy"), FOUR.index("angry")])} were called angry. Fear and disgust are
  hardly ever the strongest; they show as a little of several emotions.
- The strengths are low on purpose. Contrast over 1 makes them clearer, and wrong ones as well.
- It is made for moving a face. It says nothing about what a person feels and must not be used to
  judge people.
"""

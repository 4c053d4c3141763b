# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage ``emotion`` of the training: hear the recordings, measure, train, write the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...core.limits import SAMPLE_RATE
from ..progress import say
from .card import model_card, tables, verdict
from .corpus import read_corpus
from .ear import FEATURES, Ear
from .fitting import Judgement
from .folder import CARD, write_folder
from .hearing import measuring_rows, training_rows
from .judge import LEARNT, Judge
from .measuring import leave_one_out, train
from .recipe import Recipe


def make_emotion(corpus: Path, folder: Path, recipe: Recipe | None = None) -> bool:
    """Make the model folder from the recordings in ``corpus``; False when it is not good enough.

    Then the folder is left as it was. Raises RuntimeError when there are no recordings.
    """
    recipe = recipe or Recipe()
    torch.set_num_threads(1)
    recordings = read_corpus(corpus)
    ear = Ear().eval()
    training, measuring = training_rows(ear, recordings, recipe), measuring_rows(ear, recordings)
    say("emotion: measuring, one speaker left out at a time")
    measured = leave_one_out(training, measuring, recipe)
    say(tables(measured))
    say(verdict(measured))
    if not measured.passes:
        return False
    facts = {
        "recordings": len(recordings),
        "minutes": sum(len(one.samples) for one in recordings) / SAMPLE_RATE / 60,
        "speakers": sorted({one.speaker for one in recordings}),
        "features": FEATURES,
        "rows": len(training.labels),
        "seed": recipe.seed,
    }
    judgement = train(training, measuring, recipe)
    write_folder(folder, Judge().learn(_arrays(judgement)), facts)
    card = model_card(recipe, facts, measured)
    (folder / CARD).write_text(card, encoding="utf-8")
    say(f"emotion: {folder}")
    return True


def _arrays(judgement: Judgement) -> dict[str, Any]:
    return {name: getattr(judgement, name) for name in LEARNT}

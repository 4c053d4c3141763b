# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the training: one stage, or all of them in order."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import UserError
from ..core.files import write_text
from ..core.head import Head, load_head
from .paths import EMOTION_FOLDER, HEAD_FILE, MODEL_FOLDER
from .progress import Progress, say
from .recipe import Recipe, read_recipe
from .side_by_side import cores

if TYPE_CHECKING:
    from .export import Exported

STAGES = ("speech", "align", "draft", "realign", "fit", "live", "export", "evaluate")
ASIDE = ("refresh", "sample", "emotion")


def main(arguments: list[str]) -> int:
    """Run what was asked for; 0 done, 1 with one sentence, 3 measured and found wanting."""
    options = _parser().parse_args(arguments)
    stages = STAGES if options.stage == "all" else (options.stage,)
    recipe = read_recipe(options.recipe)
    try:
        for stage in stages:
            begun = time.monotonic()
            good = RUN[stage](recipe, options)
            say(f"{stage}: {time.monotonic() - begun:.0f} s")
            if not good:
                return 3
    except (RuntimeError, UserError) as error:
        say(str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="training", description="Makes and measures the built-in model."
    )
    parser.add_argument(
        "stage",
        nargs="?",
        default="all",
        choices=("all", *STAGES, *ASIDE),
        help="all: every stage in order; refresh: the trained network with today's head and "
        "pose tables; sample: the sample voice; emotion: the model that hears emotion",
    )
    parser.add_argument("--recipe", type=Path, help="another recipe than training/recipe.toml")
    parser.add_argument(
        "--jobs", type=int, default=cores(), help="speech, align: processes side by side"
    )
    parser.add_argument("--steps", type=int, help="draft, fit, live: so many steps")
    parser.add_argument(
        "--minutes", type=float, help="draft, fit, live: as many steps as fit into so many minutes"
    )
    parser.add_argument(
        "--device", default="cpu", choices=("cpu", "cuda"), help="draft, fit, live: what computes"
    )
    parser.add_argument("--loaders", type=int, help="draft, fit, live: processes that draw lessons")
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER, help="the model folder")
    parser.add_argument("--head", type=Path, default=HEAD_FILE, help="the built head")
    parser.add_argument("--speech", type=Path, help="evaluate: folder of labelled recordings")
    parser.add_argument("--emotion", type=Path, help="emotion: folder of the recordings of EmoDB")
    parser.add_argument("--limit", type=int, help="evaluate: so many recordings per language")
    parser.add_argument("--only", help="evaluate: these languages, as in en,de")
    parser.add_argument("--weights", type=Path, help="evaluate: LANGUAGE/NAME.json in this folder")
    parser.add_argument("--json", type=Path, help="evaluate: write all figures to this file")
    parser.add_argument("--pictures", type=Path, help="evaluate: movies and strips instead, here")
    parser.add_argument("--sentences", help="evaluate: of these recordings, as in en/NAME,de/NAME")
    return parser


def _head(options: argparse.Namespace) -> Head:
    return load_head(options.head)


def _speech(recipe: Recipe, options: argparse.Namespace) -> bool:
    from .speech import make_speech

    make_speech(recipe, options.jobs)
    return True


def _align(recipe: Recipe, options: argparse.Namespace) -> bool:
    from .timing import align_speech

    align_speech(recipe, options.jobs)
    return True


def _draft(recipe: Recipe, options: argparse.Namespace) -> bool:
    return _train(recipe, options, "draft")


def _realign(recipe: Recipe, _options: argparse.Namespace) -> bool:
    from .fit import needed_fit
    from .realign import realign_speech

    realign_speech(recipe, needed_fit(recipe, "draft"))
    return True


def _fit(recipe: Recipe, options: argparse.Namespace) -> bool:
    return _train(recipe, options, "final")


def _live(recipe: Recipe, options: argparse.Namespace) -> bool:
    return _train(recipe, options, "live")


def _train(recipe: Recipe, options: argparse.Namespace, name: str) -> bool:
    from .fit import fit

    fit(recipe, name, options.steps, options.minutes, options.device, options.loaders)
    return True


def _export(recipe: Recipe, options: argparse.Namespace) -> bool:
    from .export import trained_listener
    from .fit import fit_path, needed_fit

    live = fit_path(recipe, "live")
    _write(
        recipe,
        options,
        trained_listener(needed_fit(recipe, "final")),
        trained_listener(live) if live.exists() else None,
    )
    return True


def _refresh(recipe: Recipe, options: argparse.Namespace) -> bool:
    from .export import LIVE_NETWORK, NETWORK, reload_listener

    live = options.model / LIVE_NETWORK
    _write(
        recipe,
        options,
        reload_listener(recipe, options.model / NETWORK),
        reload_listener(recipe, live) if live.exists() else None,
    )
    return True


def _write(
    recipe: Recipe, options: argparse.Namespace, main: Exported, live: Exported | None
) -> None:
    from .export import export_folder

    export_folder(options.model, _head(options), recipe, main, live)
    size = sum(file.stat().st_size for file in options.model.iterdir()) / 1e6
    say(f"export: {options.model} {size:.1f} MB")


def _sample(_recipe: Recipe, _options: argparse.Namespace) -> bool:
    from .sample import make_sample

    say(f"sample: {make_sample()}")
    return True


def _emotion(_recipe: Recipe, options: argparse.Namespace) -> bool:
    from .emotion.corpus import corpus_folder
    from .emotion.stage import make_emotion

    return make_emotion(options.emotion or corpus_folder(), EMOTION_FOLDER)


def _evaluate(recipe: Recipe, options: argparse.Namespace) -> bool:
    from .card import with_figures
    from .corpora import recordings
    from .evaluate import evaluate

    head = _head(options)
    chosen = recordings(options.speech, _words(options.only), options.limit)
    if options.pictures:
        from .pictures import make_pictures

        make_pictures(chosen, _words(options.sentences), options.pictures)
        return True
    progress = Progress("evaluate", 100.0, "percent of a language")
    result = evaluate(
        options.model,
        head,
        chosen,
        recipe,
        lambda share, language: progress.update(100 * share, language),
        options.weights,
    )
    say(result.table())
    if options.json:
        write_text(options.json, json.dumps(result.to_mapping(), indent=1) + "\n")
    partly = options.limit or options.only or options.speech or options.weights
    card = options.model / "README.md"
    if not partly and card.exists():
        write_text(card, with_figures(card.read_text("utf-8"), result.table()))
    say("evaluate: " + ("passed" if result.passes else "NOT passed"))
    return result.passes


def _words(told: str | None) -> list[str]:
    return [word for word in (told or "").split(",") if word]


RUN: dict[str, Callable[[Recipe, argparse.Namespace], bool]] = {
    "speech": _speech,
    "align": _align,
    "draft": _draft,
    "realign": _realign,
    "fit": _fit,
    "live": _live,
    "export": _export,
    "refresh": _refresh,
    "sample": _sample,
    "emotion": _emotion,
    "evaluate": _evaluate,
}

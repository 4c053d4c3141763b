# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the training: one stage, or all of them in order."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import UserError
from ..core.head import Head, load_head
from .paths import HEAD_FILE, MODEL_FOLDER, labelled_speech_folder
from .progress import Progress, say
from .recipe import Recipe, read_recipe
from .side_by_side import cores

if TYPE_CHECKING:
    from .export import Exported

STAGES = ("speech", "align", "draft", "realign", "fit", "live", "export", "evaluate")
ASIDE = ("refresh", "sample")


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
        "pose tables; sample: the sample voice",
    )
    parser.add_argument("--recipe", type=Path, help="another recipe than training/recipe.toml")
    parser.add_argument(
        "--jobs", type=int, default=cores(), help="speech, align: processes side by side"
    )
    parser.add_argument("--steps", type=int, help="draft, fit, live: so many steps")
    parser.add_argument(
        "--minutes", type=float, help="draft, fit, live: as many steps as fit into so many minutes"
    )
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER, help="the model folder")
    parser.add_argument("--head", type=Path, default=HEAD_FILE, help="the built head")
    parser.add_argument("--speech", type=Path, help="evaluate: folder of labelled recordings")
    parser.add_argument("--limit", type=int, help="evaluate: so many recordings per language")
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

    fit(recipe, name, options.steps, options.minutes)
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


def _evaluate(_recipe: Recipe, options: argparse.Namespace) -> bool:
    from .card import with_figures
    from .evaluate import evaluate_lips

    folder = options.speech or labelled_speech_folder()
    if not any(folder.glob("*/labels.json")):
        raise RuntimeError(f"There are no labelled recordings in {folder} to evaluate with.")
    progress = Progress("evaluate", 100.0, "percent of a language")
    verdicts = evaluate_lips(
        options.model,
        _head(options),
        folder,
        limit=options.limit,
        progress=lambda share, language: progress.update(100 * share, language),
    )
    tables = [verdict.table() for verdict in verdicts.values()]
    say("\n".join(tables))
    if options.limit is None and options.speech is None:
        card = options.model / "README.md"
        card.write_text(with_figures(card.read_text("utf-8"), tables), encoding="utf-8")
    controls_fail = not any(verdicts[name].passes for name in ("delayed", "swapped"))
    good = verdicts["true"].passes and controls_fail
    say("evaluate: " + ("passed" if good else "NOT passed"))
    return good


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
    "evaluate": _evaluate,
}

# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of batches without Blender; see ``docs/batch.md``."""

from __future__ import annotations

import _thread
import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from ..core.batch import report as reports
from ..core.batch.ledger import Ledger, audio_sha256, row_mark
from ..core.batch.manifest import Row
from ..core.batch.order import Order
from ..core.batch.outputs import ENDINGS, check_formats
from ..core.batch.report import Report, RowResult, sentence
from ..core.batch.words import add_words, order_of, rows_of
from ..core.errors import Cancelled, UserError
from ..core.models.licences import licence_of
from ..core.models.loading import folder_sha256
from .batch_cards import cards_for
from .batch_pool import Pool
from .batch_rows import EMOTION_MODEL, MODEL, serve, words_for
from .packages import use_packages

_EPILOG = (
    "Exit codes: 0 all rows are done, 1 something about the input is wrong, 2 wrong usage, 3 rows"
    " failed, 4 a fault of Facewright's (the message names a report file). The verb report,"
    " `batch.py report ...` with the same words, looks at what is there and makes nothing."
)


def run(words: Sequence[str]) -> int:
    """Run the command; returns the exit code and raises nothing."""
    if list(words[:1]) == ["--serve"]:
        options = _packages_parser().parse_args(words[1:])
        use_packages(options.packages)
        return serve()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            getattr(stream, "reconfigure")(encoding="utf-8", errors="backslashreplace")  # noqa: B009
    verb = "report" if list(words[:1]) == ["report"] else ""
    try:
        options = _parser().parse_args(words[1:] if verb else words)
    except SystemExit as end:  # argparse has said what is wrong, or printed its help
        return reports.DONE if end.code in (None, 0) else reports.WRONG_USAGE
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, _interrupt)
    if options.life_line:
        threading.Thread(target=_hold_on, name="life line", daemon=True).start()
    try:
        return _sum_up(options) if verb else _make(options)
    except UserError as error:
        return _fail(sentence(error), reports.USER_ERROR)
    except (Cancelled, KeyboardInterrupt):
        return _fail(
            "Stopped. What is done stays; the same command does what is left.", reports.USER_ERROR
        )
    except BrokenPipeError:  # nobody reads the results any more
        return reports.USER_ERROR
    except Exception:
        return _fail(_fault(options.out), reports.FAULT)


def _interrupt(_number: int, _frame: Any) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _hold_on() -> None:
    """Stop as soon as standard input ends."""
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    _thread.interrupt_main(signal.SIGTERM)


def _packages_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--packages", action="append", default=[], metavar="DIR",
        help="folder that holds onnxruntime, scipy and soundfile; repeatable. Without, they are "
        "found where Blender has unpacked them",
    )  # fmt: skip
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="batch.py",
        description="Turns many voices into facial animation, without Blender.",
        epilog=_EPILOG,
        parents=[_packages_parser()],
    )
    add_words(parser, ENDINGS)
    add = parser.add_argument
    add("--jobs", type=int, default=0, metavar="N",
        help="processes; without, one for each core or graphics card that has memory")  # fmt: skip
    add("--threads", type=int, default=1, metavar="N", help="threads of each process (1)")
    return parser


# ---- what is asked


def _order(options: argparse.Namespace) -> Order:
    order = order_of(options)
    check_formats(order.formats)
    return order


def _model_sha256(order: Order, options: argparse.Namespace) -> str:
    """Looks at the model's folder, and at the terms of all models. Raises UserError."""
    real = order.with_models(MODEL, EMOTION_MODEL)
    used = [real.model, real.emotion.model if real.emotion.mode != "off" else ""]
    for folder in filter(None, used):
        licence = licence_of(folder)
        if licence is not None and not options.accept_licence:
            raise UserError(
                f"The terms of the model {folder} are not accepted yet: {licence.notice} "
                f"({licence.url}).",
                "Read them, then add --accept-licence.",
            )
    return folder_sha256(Path(real.model))


# ---- the verbs


def _make(options: argparse.Namespace) -> int:
    rows, order = rows_of(options), _order(options)
    if options.jobs < 0 or options.threads < 1:
        raise UserError("--jobs and --threads have to be positive.")
    ledger = Ledger(options.out)
    ledger.clear()
    model = _model_sha256(order, options)
    packages = use_packages(options.packages, options.device)
    report = Report(len(rows), ledger.folder)
    good = []
    for row in rows:
        if options.redo:
            ledger.forget(row)
        if row.problem:
            ledger.fail(row, "", row.problem)
            _say(report.add(RowResult.of(row, "failed", row.problem)))
        else:
            good.append(row)
    folder = Path(order.with_models(MODEL, EMOTION_MODEL).model)
    cards, notes = cards_for(folder, options.device, options.jobs, options.threads, len(good))
    for note in notes:
        sys.stderr.write(f"Note: {note}\n")
    start = {
        "order": order.to_mapping(),
        "out": str(ledger.folder),
        "model_sha256": model,
        "device": options.device,
    }
    pool = Pool(words_for(packages), start, cards, options.threads)
    by_number = {row.number: row for row in good}
    try:
        for result in pool.results(good):
            if result.state == "failed":
                _remember(ledger, by_number[result.row], result)
            _say(report.add(result))
    finally:
        pool.stop()
        ledger.clear()
    _say(report.last_lines(options.no_fail))
    sys.stderr.write(f"{report.sentence}.\n")
    return report.exit_code(options.no_fail)


def _remember(ledger: Ledger, row: Row, result: RowResult) -> None:
    """A row whose process died has no record yet that says so."""
    found = ledger.record(row)
    if found is None or found.state == "done":
        ledger.fail(row, "", result.message)


def _sum_up(options: argparse.Namespace) -> int:
    """Look whether the files of all rows are there, as they would be made now."""
    rows, order, ledger = rows_of(options), _order(options), Ledger(options.out)
    model = _model_sha256(order, options)
    emotions: dict[str, str] = {}
    report = Report(len(rows))
    for row in rows:
        result = _looked_at(row, order, ledger, model, emotions)
        lines = report.add(result)
        if result.state != "done":
            _say(lines[:1])
    _say([f"openjd_status: {report.sentence}", *report.last_lines(options.no_fail)])
    sys.stderr.write(f"{report.sentence}.\n")
    return report.exit_code(options.no_fail)


def _looked_at(
    row: Row, order: Order, ledger: Ledger, model: str, emotions: dict[str, str]
) -> RowResult:
    if row.problem:
        return RowResult.of(row, "failed", row.problem)
    try:
        own = order.for_row(row).with_models(MODEL, EMOTION_MODEL)
        folder = own.emotion.model if own.emotion.mode != "off" else ""
        if folder and folder not in emotions:
            emotions[folder] = folder_sha256(Path(folder))
        mark = row_mark(row, order, audio_sha256(row.audio), model, emotions.get(folder, ""))
    except UserError as error:
        return RowResult.of(row, "failed", sentence(error))
    record = ledger.record(row)
    if record is not None and ledger.is_done(row, mark):
        return RowResult.of(row, "done", files=tuple(record.files))
    if record is not None and record.state == "failed" and record.mark in ("", mark):
        return RowResult.of(row, "failed", record.message)
    return RowResult.of(row, "missing", f"{row.where}: its files are not there as asked for.")


# ---- what is said


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _fail(text: str, code: int) -> int:
    with suppress(OSError):
        sys.stdout.write(f"openjd_fail: {text}\n")
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.write(f"Error: {text}\n")
    return code


def _fault(out: str) -> str:
    row = Row(-1, "The batch", "", "")
    folder = Path(os.path.abspath(out)) / ".facewright" / "reports"
    return reports.write_fault(folder, row, traceback.format_exc())

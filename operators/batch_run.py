# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch from its first program to its last result, in steps that never wait.

Closing the steps ends the programs; rows that are done stay, others leave nothing half done.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.batch.ledger import Ledger
from ..core.batch.order import write_order
from ..core.errors import Cancelled, UserError
from ..properties.batch import BAKED, BATCH, DONE, FAILED, FRESH, RUNNING, WAITING, Row
from ..properties.library import preferences
from ..providers.wheels import find_site_folder
from ..scene.reopening import is_saved, save_copy
from ..scene.runtimes import runtime_folder
from .asking import Progress
from .batch_order import Source, manifest_of, order_of, rows_of, source_of
from .batch_shares import FINE, Share, blender_words, plain_words, sweep
from .exports import export_folder

if TYPE_CHECKING:
    from ..core.batch.manifest import Row as VoiceRow
    from ..core.batch.order import Order

LOOK_S = 0.1
END_S = 10.0  # for a program to end by itself
QUIT_S = 2.0  # the same when Blender itself ends
CORES_EACH = 4  # of another Blender
STATES = {"done": DONE, "skipped": FRESH}
Steps = Generator[Progress, None, str]


@dataclass(frozen=True)
class Plan:
    """What is to be done: all that is asked of the scene, which may change afterwards. ``words``
    are those of both commands, ``words_in_blender`` what the other Blender is told besides."""

    source: Source
    order: Order
    ledger: Ledger
    words: list[str]
    words_in_blender: list[str]
    processes: int
    device: str


def batch_steps(scene: bpy.types.Scene) -> Steps:
    """Do what the panel asks for; returns what it came to as a sentence. Raises UserError, at once
    for what can be seen at once, and Cancelled."""
    chosen: Any = scene.facewright
    device = str(getattr(preferences(), "device", ""))
    ledger = Ledger(export_folder(chosen.exports.directory))
    words = ["--out", str(ledger.folder), "--device", device or "auto"]
    words += ["--accept-licence", "--life-line", *(["--redo"] if chosen.batch.redo else [])]
    plan = Plan(
        source_of(scene),
        order_of(scene),
        ledger,
        words,
        _character_words(scene),
        chosen.batch.processes,
        device,
    )
    return _steps(plan)


def _character_words(scene: bpy.types.Scene) -> list[str]:
    chosen: Any = scene.facewright
    player = chosen.player_of(chosen.pipeline)
    words = ["--scene", scene.name]
    names = [one.skin.name for one in chosen.characters_of(chosen.pipeline) if one.skin]
    if names:
        words += ["--object", *names]
    if player is not None and player.voice_source != "STRIP":
        words += ["--start-frame", str(player.start_frame)]
    return words


def _steps(plan: Plan) -> Steps:
    """Begin in steps that are short also with thousands of rows, and go on to the end."""
    folder = Path(tempfile.mkdtemp(prefix="facewright-batch-", dir=bpy.app.tempdir or None))
    shares: list[Share] = []
    targets: list[Path] = []
    ended = False
    try:
        yield Progress(0.0, "Starting")
        rows = rows_of(plan.source)
        yield Progress(0.0, "Starting")
        manifest = manifest_of(plan.source, rows, folder / "rows.jsonl")
        yield Progress(0.0, "Starting")
        BATCH.rows = [Row(os.path.basename(row.audio) or row.where) for row in rows]
        BATCH.folder = str(plan.ledger.folder)
        bakes = _bakes(plan.order, rows)
        if bakes:
            targets = sorted({(plan.ledger.folder / row.output).parent for row in rows})
        yield Progress(0.0, "Starting")
        write_order(folder / "order.json", plan.order)
        words = ["--manifest", str(manifest), "--order", str(folder / "order.json"), *plan.words]
        shares = (_blenders if bakes else _plain)(plan, words, folder, len(rows))
        for share in shares:
            _begin(share)
            yield Progress(0.0, "Starting")
        yield from _done(shares, targets)
        ended = True
    finally:
        if not ended:
            _stop(shares)
        sweep(targets, [pid for share in shares for pid in share.pids])
        plan.ledger.clear()
        shutil.rmtree(folder, ignore_errors=True)
        for row in BATCH.rows:
            row.state = WAITING if row.state == RUNNING else row.state
    failed, fresh, count = BATCH.count(FAILED), BATCH.count(FRESH), len(BATCH.rows)
    said = f"{count - failed} of {count} voices done"
    said += f", {fresh} of them were up to date" if fresh else ""
    return f"{said}, {failed} failed" if failed else said


def _bakes(order: Order, rows: Sequence[VoiceRow]) -> bool:
    """Whether a character is needed, and so another Blender."""
    wanted = set(BAKED)
    return bool(wanted & {*order.formats}) or any(wanted & {*(r.formats or ())} for r in rows)


def _blenders(plan: Plan, words: list[str], folder: Path, count: int) -> list[Share]:
    """Other Blenders, each with a share of the rows."""
    cores = os.cpu_count() or 1
    processes = min(plan.processes or max(1, cores // CORES_EACH), count)
    start = [*blender_words(_file(folder)), *words, *plan.words_in_blender]
    start += ["--threads", str(max(1, cores // processes))]
    return [
        Share(start, folder / f"blender-{at}.log", at, count - 1, processes, True)
        for at in range(processes)
    ]


def _plain(plan: Plan, words: list[str], folder: Path, count: int) -> list[Share]:
    """The command without Blender, which has processes of its own."""
    runtime = runtime_folder(plan.device or "auto")
    packages = [str(place) for place in (runtime, find_site_folder()) if place]
    start = [*plain_words(packages), *words, "--jobs", str(plan.processes)]
    return [Share(start, folder / "batch.log", 0, count - 1)]


def _begin(share: Share) -> None:
    try:
        share.begin()
    except OSError as error:
        raise UserError(f"The batch cannot be started: {error.strerror or error}.") from error


def _stop(shares: Sequence[Share]) -> None:
    for share in shares:
        share.end()
    for share in shares:
        share.stop(QUIT_S)


def _file(folder: Path) -> Path:
    """The .blend that rows are baked in: the one that is open, or a copy of what is not saved."""
    if is_saved():
        return Path(bpy.data.filepath)
    path = folder / "present.blend"
    save_copy(path)
    return path


def _done(shares: Sequence[Share], targets: Sequence[Path]) -> Generator[Progress, None, None]:
    """Take the results as they come until all programs have ended."""
    running, cancelled_at = list(shares), 0.0
    while running:
        now = time.monotonic()
        if BATCH.cancel and not cancelled_at:
            cancelled_at = now
            for share in running:
                share.end()
        elif cancelled_at and now - cancelled_at > END_S:
            for share in running:
                share.kill()
        for share in tuple(running):
            code = share.exit_code()  # before the last look at what it said
            _take(share, code is not None)
            if code is not None and not (not cancelled_at and _goes_on(share, code, targets)):
                running.remove(share)
        yield from _rest(now, _progress(bool(cancelled_at)))
    if cancelled_at:
        raise Cancelled("Cancelled; what is done stays, and is not done again")
    bad = [share.complaint for share in shares if share.is_left]
    if bad:
        raise UserError(bad[0] or "The batch ended before all voices were done.")


def _rest(began: float, progress: Progress) -> Generator[Progress, None, None]:
    """Nothing but the same progress for a moment: files need not be read in every step."""
    yield progress
    while time.monotonic() - began < LOOK_S and not BATCH.cancel:
        yield progress


def _take(share: Share, ended: bool) -> None:
    for values in share.results(ended):
        row = BATCH.rows[values["row"]]
        row.state = STATES.get(values["state"], FAILED)
        row.sentence = values["message"] or " ".join(values["notices"])
    if share.in_blender and (at := next(share.pending, None)) is not None:
        BATCH.rows[at].state = RUNNING


def _goes_on(share: Share, code: int, targets: Sequence[Path]) -> bool:
    """Whether a program that ended is begun again: it died over a row, and more are left."""
    if code in FINE or share.complaint or not share.is_left:
        return False
    if not (share.in_blender and share.begun):
        what = "Blender" if share.in_blender else "The batch"
        said = f"{what} ended with the code {code}: {share.last_words()}"
        share.complaint = said.rstrip(": ") + "."
        return False
    row = BATCH.rows[share.skip()]
    row.state, row.sentence = FAILED, f"{row.name}: Blender ended over it, with the code {code}."
    sweep(targets, share.pids)
    if share.is_left:
        _begin(share)
    return share.is_left


def _progress(ending: bool) -> Progress:
    total, failed = len(BATCH.rows), BATCH.count(FAILED)
    done = BATCH.count(DONE, FRESH, FAILED)
    text = f"{done} of {total}" + (f", {failed} failed" if failed else "")
    return Progress(done / max(total, 1), "Ending" if ending else text)

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
from .batch_order import manifest_of, order_of, rows_of
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
    """What is to be done: all that is asked of the scene, which may change afterwards."""

    rows: tuple[VoiceRow, ...]
    order: Order
    ledger: Ledger
    folder: Path
    words: list[str]
    processes: int
    device: str

    @property
    def bakes(self) -> bool:
        """Whether a character is needed, and so another Blender."""
        formats = {*self.order.formats, *(f for row in self.rows for f in row.formats or ())}
        return bool(formats & set(BAKED))


def plan(scene: bpy.types.Scene) -> Plan:
    """Look at everything and write it down for the programs. Raises UserError."""
    chosen: Any = scene.facewright
    general = preferences()
    order, rows = order_of(scene), rows_of(scene)
    ledger = Ledger(export_folder(chosen.exports.directory))
    folder = Path(tempfile.mkdtemp(prefix="facewright-batch-", dir=bpy.app.tempdir or None))
    write_order(folder / "order.json", order)
    device = str(getattr(general, "device", ""))
    words = ["--manifest", str(manifest_of(scene, rows, folder))]
    words += ["--order", str(folder / "order.json"), "--out", str(ledger.folder)]
    words += ["--device", device or "auto", "--accept-licence", "--life-line"]
    words += ["--redo"] if chosen.batch.redo else []
    found = Plan(rows, order, ledger, folder, words, chosen.batch.processes, device)
    if found.bakes:
        words += _character_words(scene, folder)
    return found


def _character_words(scene: bpy.types.Scene, folder: Path) -> list[str]:
    chosen: Any = scene.facewright
    player = chosen.player_of(chosen.pipeline)
    words = ["--scene", scene.name]
    names = [one.skin.name for one in chosen.characters_of(chosen.pipeline) if one.skin]
    if names:
        words += ["--object", *names]
    if player is not None and player.voice_source != "STRIP":
        words += ["--start-frame", str(player.start_frame)]
    return words


def batch_steps(plan: Plan) -> Steps:
    """Do it; returns what it came to as a sentence. Raises UserError and Cancelled."""
    BATCH.rows = [Row(Path(row.audio).name or row.where) for row in plan.rows]
    BATCH.folder = str(plan.ledger.folder)
    shares = []
    ended = False
    try:
        yield Progress(0.0, "Starting")
        shares = _shares(plan)
        yield from _done(plan, shares)
        ended = True
    finally:
        if not ended:
            _stop(shares)
        _clear(plan, shares)
    failed, fresh, count = BATCH.count(FAILED), BATCH.count(FRESH), len(BATCH.rows)
    said = f"{count - failed} of {count} voices done"
    said += f", {fresh} of them were up to date" if fresh else ""
    return f"{said}, {failed} failed" if failed else said


def _shares(plan: Plan) -> list[Share]:
    """The programs, begun. Raises UserError."""
    last = len(plan.rows) - 1
    if plan.bakes:
        cores = os.cpu_count() or 1
        count = plan.processes or max(1, cores // CORES_EACH)
        count = min(count, last + 1)
        words = [*blender_words(_file(plan.folder)), *plan.words]
        words += ["--threads", str(max(1, cores // count))]
        shares = [
            Share(words, plan.folder / f"blender-{at}.log", at, last, count, True)
            for at in range(count)
        ]
    else:
        runtime = runtime_folder(plan.device or "auto")
        packages = [str(folder) for folder in (runtime, find_site_folder()) if folder]
        words = [*plain_words(packages), *plan.words, "--jobs", str(plan.processes)]
        shares = [Share(words, plan.folder / "batch.log", 0, last)]
    try:
        for share in shares:
            share.begin()
    except OSError as error:
        _stop(shares)
        raise UserError(f"The batch cannot be started: {error.strerror or error}.") from error
    return shares


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


def _done(plan: Plan, shares: Sequence[Share]) -> Generator[Progress, None, None]:
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
            if code is not None and not (not cancelled_at and _goes_on(plan, share, code)):
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


def _goes_on(plan: Plan, share: Share, code: int) -> bool:
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
    sweep(_targets(plan), share.pids)
    if share.is_left:
        share.begin()
    return share.is_left


def _progress(ending: bool) -> Progress:
    total, failed = len(BATCH.rows), BATCH.count(FAILED)
    done = BATCH.count(DONE, FRESH, FAILED)
    text = f"{done} of {total}" + (f", {failed} failed" if failed else "")
    return Progress(done / max(total, 1), "Ending" if ending else text)


def _targets(plan: Plan) -> list[Path]:
    return sorted({(plan.ledger.folder / row.output).parent for row in plan.rows})


def _clear(plan: Plan, shares: Sequence[Share]) -> None:
    """Take away what nobody needs any more, and what is half done."""
    if plan.bakes:
        sweep(_targets(plan), [pid for share in shares for pid in share.pids])
    plan.ledger.clear()
    shutil.rmtree(plan.folder, ignore_errors=True)
    for row in BATCH.rows:
        if row.state == RUNNING:
            row.state = WAITING

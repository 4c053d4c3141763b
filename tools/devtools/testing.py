# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test suite on every Blender that can be set up here, and sums up."""

from __future__ import annotations

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import debian, demo, envs, extension, gui, linting, node, pythons
from .console import Failure, say, table
from .places import ROOT
from .process import watch

KINDS = ("lint", "core", "package", "blender", "demo", "gui")
WITHOUT_BLENDER = ("core", "worker", "house", "head", "training")
OTHER_VOICES = ROOT.parent / "shared" / "data" / "speech" / "en"  # where there is test material
LIMIT_S = 1_200
LANES = 2
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")


class Result(NamedTuple):
    """What one suite came to."""

    suite: str
    where: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    reason: str = ""


class Choice(NamedTuple):
    """What the person asked for: kinds of suite, Blender versions, words that names must hold."""

    kinds: Sequence[str]
    blenders: Sequence[str]
    words: str

    @property
    def pytest(self) -> List[str]:
        return ["-k", self.words] if self.words else []


def test(choice: Choice) -> int:
    """Run what was chosen; the last line is what CI reads. Exit code 0 only if all is well."""
    results: List[Result] = []
    for kind, suites in (
        ("lint", linting_suite),
        ("core", core_suites),
        ("package", blender_suites),
        ("blender", blender_suites),
        ("demo", demo_suites),
        ("gui", gui_suites),
    ):
        if kind in choice.kinds and not (kind == "blender" and "package" in choice.kinds):
            results += _sheltered(kind, suites, choice)
    head = ("suite", "Blender / Python", "passed", "failed", "skipped", "seconds", "reason")
    rows = [(*result[:5], f"{result.seconds:.0f}", result.reason) for result in results]
    say("\n" + table(head, rows))
    columns = (2, 3, 4)  # also of no rows at all, when no test matches
    passed, failed, skipped = (sum(int(row[column]) for row in results) for column in columns)
    say(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def _sheltered(kind: str, suites: Callable[[Choice], List[Result]], choice: Choice) -> List[Result]:
    """Run a kind of suite; what keeps it from being set up counts as its failure."""
    began = time.monotonic()
    try:
        return suites(choice)
    except Failure as failure:
        say(f"{failure}\n{failure.hint}")
        return [Result(kind, "set-up", 0, 1, 0, time.monotonic() - began, "see above")]


# ---- suites


def linting_suite(_choice: Choice) -> List[Result]:
    def one(name: str, check: Callable[[], None]) -> Result:
        began = time.monotonic()
        try:
            check()
        except Failure as failure:
            say(str(failure))
            return Result(name, "Python 3.11", 0, 1, 0, time.monotonic() - began)
        return Result(name, "Python 3.11", 1, 0, 0, time.monotonic() - began)

    if not _python("3.11"):
        return [_skipped("lint", "Python 3.11", "no Python 3.11 could be found or fetched")]
    say("\n== lint")
    return [one(name, check) for name, check in linting.CHECKS]


def core_suites(choice: Choice) -> List[Result]:
    """All that needs no Blender, on each of the Pythons that Blender brings."""
    folders = [f"tests/{name}" for name in WITHOUT_BLENDER if (ROOT / "tests" / name).exists()]
    results: List[Result] = []
    runs: List[Run] = []
    for version, env in envs.CORE.items():
        where = f"Python {version}"
        if not _python(version):
            results.append(_skipped("core", where, f"no Python {version} found or fetched"))
            continue
        extension.build_head()
        runs.append(Run("core", where, env, folders, envs.farm_variables(env)))
    return results + side_by_side(runs, choice)


def blender_suites(choice: Choice) -> List[Result]:
    """The zip as shipped and the work inside Blender, each in its own process."""
    kinds = [kind for kind in ("package", "blender") if kind in choice.kinds]
    results: List[Result] = []
    runs: List[Run] = []
    archive: Optional[Path] = None
    programs: Mapping[str, str] = {}
    for blender in envs.BLENDERS:
        if choice.blenders and blender.version not in choice.blenders:
            continue
        where = f"Blender {blender.version} / {blender.python}"
        if not _python(blender.python):
            reason = f"no Python {blender.python} found or fetched"
            results += [_skipped(kind, where, reason) for kind in kinds]
            continue
        archive = archive or extension.build_here(blender.env)
        programs = programs or node.variables()
        extra = {**programs, "FACEWRIGHT_ZIP": str(archive), "FACEWRIGHT_BLENDER": blender.version}
        runs += [Run(kind, where, blender.env, [f"tests/{kind}"], extra) for kind in kinds]
    return results + side_by_side(runs, choice)


def demo_suites(choice: Choice) -> List[Result]:
    """The demo as people start it, twice alike and once with another voice; then its files."""
    if choice.words:
        return []
    blenders = [blender for blender in envs.BLENDERS if _python(blender.python)]
    if not blenders:
        return [_skipped("demo", "", "no Python of a Blender found or fetched")]
    other = max(OTHER_VOICES.glob("*.flac"), key=lambda path: path.stat().st_size, default=None)
    runs: List[Tuple[str, envs.Blender, Optional[str]]] = [
        ("FACEWRIGHT_DEMO", blenders[0], None),
        ("FACEWRIGHT_DEMO_AGAIN", blenders[0], None),
    ]
    if other:
        runs.append(("FACEWRIGHT_DEMO_OTHER", blenders[1 % len(blenders)], str(other)))
    results, folders = [], {}
    for name, blender, audio in runs:
        say(f"\n== demo: Blender {blender.version}")
        made, folder = ROOT / "out" / "demo-test", ROOT / "out" / name.lower()
        shutil.rmtree(made, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        began = time.monotonic()
        code = demo.demo(blender.version, audio, None, None, str(made))
        if made.exists():
            made.rename(folder)  # the files name the voice's path: it is the same in every run
        where = f"Blender {blender.version} / {blender.python}"
        counts = (int(code == 0), int(code != 0), 0)
        results.append(Result("demo run", where, *counts, time.monotonic() - began))
        folders[name] = str(folder)
    env = envs.CORE[blenders[0].python]
    where = f"Python {blenders[0].python}"
    files = Run("demo files", where, env, ["tests/demo"], folders)
    return results + side_by_side([files], choice)


def gui_suites(choice: Choice) -> List[Result]:
    """Real windows; skipped, with the reason, where they cannot be set up.

    Both systems run side by side: a window mostly waits.
    """
    results: List[Result] = []
    ready: List[Tuple[debian.Debian, Path]] = []
    for system, build in ((gui.TRIXIE, extension.build_here), (gui.SID, extension.build_for_sid)):
        reason = debian.obstacle(system)
        try:
            if not reason:
                debian.set_up(system)
                ready.append((system, build(envs.BLENDERS[0].env)))
        except debian.Unavailable as problem:
            reason = str(problem)
        if reason:
            results.append(_skipped("gui", system.where, reason))
    with ThreadPoolExecutor(max(1, len(ready))) as lanes:
        for found in lanes.map(lambda each: _windows(each[0], each[1], choice.words), ready):
            results += found
    return results


def _windows(system: debian.Debian, archive: Path, words: str) -> List[Result]:
    """Every script of one system."""
    return [
        Result(
            f"gui {run.name}", system.where, int(run.code == 0), int(run.code != 0), 0,
            run.seconds, run.note,
        )
        for run in gui.run_all(system, archive, words)
    ]  # fmt: skip


def _python(version: str) -> bool:
    try:
        pythons.find(version)
    except Failure:
        return False
    return True


def _skipped(suite: str, where: str, reason: str) -> Result:
    return Result(suite, where, 0, 0, 1, 0.0, reason)


# ---- pytest in a process of its own


class Run(NamedTuple):
    """A suite in an environment; ``extra`` is added to the process's own variables."""

    suite: str
    where: str
    env: str
    folders: Sequence[str]
    extra: Mapping[str, str]


def side_by_side(runs: Sequence[Run], choice: Choice) -> List[Result]:
    """Run suites, two at a time: most of a test is one thread, or waits for Blender.

    Each gets one thread for linear algebra, so that they do not take turns on the processors.
    """
    for run in runs:  # environments share what they download, so they are made in turn
        envs.ensure(run.env)
        envs.ensure_test_tools(envs.RECIPES[run.env].python)
    with ThreadPoolExecutor(LANES) as lanes:
        return list(lanes.map(lambda run: run_pytest(run, choice), runs))


def run_pytest(run: Run, choice: Choice) -> Result:
    """Run pytest in an environment; a suite that ran nothing has failed."""
    python = envs.ensure(run.env)
    tools = envs.ensure_test_tools(envs.RECIPES[run.env].python)
    environ = envs.clean_environ(PYTHONPATH=str(tools), **ONE_THREAD, **run.extra)
    say(f"\n== {run.suite}: {run.where}")
    command = [str(python), "-m", "pytest", "-q", "-ra", *run.folders, *choice.pytest]
    began = time.monotonic()
    lines, code = watch(command, LIMIT_S, environ, f"{run.suite} {run.env}: ")
    seconds = time.monotonic() - began
    counts = _counts(lines)
    passed, skipped = counts.get("passed", 0), counts.get("skipped", 0) + counts.get("xfailed", 0)
    failed = sum(counts.get(word, 0) for word in ("failed", "error", "errors", "xpassed"))
    reason = ""
    if code is None:
        failed, reason = failed + 1, f"stopped after {LIMIT_S} s"
    elif code == 5 and choice.pytest:
        reason = "nothing matched"
    elif code == 5 or (code == 0 and not passed and not skipped):
        failed, reason = failed + 1, "ran no test"
    elif code != 0 and not failed:
        failed, reason = failed + 1, f"ended with exit code {code}"
    return Result(run.suite, run.where, passed, failed, skipped, seconds, reason)


def _counts(lines: Sequence[str]) -> Mapping[str, int]:
    """The numbers of pytest's closing line."""
    for line in reversed(lines):
        found = COUNTS.findall(line)
        if found and " in " in line:
            return {word: int(number) for number, word in found}
    return {}

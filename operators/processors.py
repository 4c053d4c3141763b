# SPDX-License-Identifier: GPL-3.0-or-later
"""Processors: which can be used here and why not the others, and fetching what they need."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.errors import UserError
from ..core.memory import Card, free_memory, megabytes, shortage
from ..core.network.devices import DEVICE_NAMES, label_of
from ..core.runtimes import (
    FOLDER,
    RUNTIME_OF_DEVICE,
    TITLES,
    Runtime,
    find_runtime,
    this_platform,
    unusable,
)
from ..providers.base import Ticket
from ..scene.places import user_folder
from ..scene.runtimes import chosen_folder, fetched_folder, runtime_folder
from . import pump
from .asking import Progress, ask, wait_for
from .explained import Explained
from .faults import attempt, report_fault, sentence
from .fetching import Errand, Fetches, busy_reason, fetch, redraw_preferences
from .terms import draw_lines
from .worker_host import poll, stop

ONLY_ON = {"coreml": "macos", "directml": "windows", "cuda": "linux windows"}
SYSTEMS = {"macos": "macOS", "windows": "Windows", "linux": "Linux"}
TERMS = {
    "cuda": "It holds libraries of NVIDIA's under NVIDIA's own terms, which each of them carries "
    "(LicenseRef-NVIDIA-Proprietary), and ONNX Runtime (MIT). A card of the Turing generation "
    "(GTX 16, RTX 20) or newer and a driver of version 580 or newer are needed.",
    "directml": "ONNX Runtime for DirectML (MIT). Any graphics card with DirectX 12 will do.",
}


@dataclass(frozen=True)
class State:
    """A processor as the preferences show it. ``usable`` None: nobody has looked yet."""

    name: str
    label: str
    usable: bool | None
    tested: bool
    reason: str


@dataclass
class _Seen:
    """What the workers have told since Blender was started."""

    states: dict[str, State] = field(default_factory=dict)
    free: int | None = None
    cards: tuple[Card, ...] = ()
    looking: bool = False
    problem: str = ""


SEEN = _Seen()


def states() -> list[State]:
    """Every processor that there is a name for, with what is known of it now."""
    return [_state(name) for name in DEVICE_NAMES]


def _state(name: str) -> State:
    reason = _obstacle(name)
    known = SEEN.states.get(name)
    if reason or known is None:
        return State(name, label_of(name), False if reason else None, name == "cpu", reason)
    return known


def _obstacle(name: str) -> str:
    """Why a processor cannot be used whatever a worker says; empty when there is no such reason."""
    needed = RUNTIME_OF_DEVICE.get(name)
    systems = ONLY_ON.get(needed or name, "").split()
    if systems and this_platform().split("-")[0] not in systems:
        return f"only on {' and '.join(SYSTEMS[system] for system in systems)}"
    if needed and runtime_folder(name) is None:
        chosen = chosen_folder(needed)
        if chosen is not None:
            return unusable(chosen)
        return f"needs the {TITLES[needed]} runtime, which the preferences can fetch"
    return ""


def memory_warning(needed: int, device: str) -> str:
    """A warning when a model will not fit, as far as is known; else empty.

    Cards are known once somebody has looked for processors, this computer's memory always.
    """
    where = "cuda" if device == "auto" and SEEN.cards else device
    free = free_memory() if SEEN.free is None else SEEN.free
    return shortage(needed, where, free, SEEN.cards)


@lru_cache(maxsize=1)
def runtimes() -> Mapping[str, Runtime | None]:
    """The runtimes that this system knows, by name; None for one that cannot be fetched for this
    Python."""
    here = this_platform().split("-")[0]
    found: dict[str, Runtime | None] = {}
    for name in TITLES:
        if here in ONLY_ON[name].split():
            with suppress(UserError):
                found[name] = find_runtime(name)
    return found


def fetched(name: str) -> Path | None:
    """The folder of a runtime that was fetched; None when it was not."""
    return fetched_folder(name)


# ---- asking the workers


def look() -> Generator[Progress, None, None]:
    """Ask a worker of each build of onnxruntime which processors it can use."""
    found: dict[str, State] = {}
    asked: set[Path | None] = set()
    _renew_workers()
    for device in ("cpu", "cuda", "directml"):
        folder = runtime_folder(device)
        if folder in asked:
            continue
        asked.add(folder)
        ticket = yield from ask("devices", {}, device=device)
        for row in _rows(ticket):
            if runtime_folder(row["name"]) == folder:
                names = ("name", "label", "usable", "tested", "reason")
                found[row["name"]] = State(**{name: row[name] for name in names})
    told = (yield from ask("memory", {}, device="cpu")).result
    cards: Any = told.get("cards") or ()
    free: Any = told.get("free")
    SEEN.states, SEEN.free, SEEN.cards = found, free, tuple(Card(**card) for card in cards)


def _renew_workers() -> bool:
    """End the workers, so that the next ones find the runtimes of now; not while one is used."""
    busy = poll() or pump.session_open()
    if not busy:
        stop()
    return not busy


def _rows(ticket: Ticket) -> list[dict[str, Any]]:
    listed: Any = ticket.result.get("devices")
    return listed if isinstance(listed, list) else []


class _Looking:
    """Moves the asking on from Blender's main thread."""

    holds_worker = False  # the worker shows by itself that it is busy

    def __init__(self) -> None:
        self.steps = look()
        SEEN.looking, SEEN.problem = True, ""

    def step(self) -> bool:
        try:
            next(self.steps)
        except StopIteration:
            self._end("")
            return False
        except UserError as error:
            self._end(sentence(error))
            return False
        except Exception as error:
            self._end(report_fault(error))
            return False
        return True

    def cancel(self) -> None:
        self.steps.close()
        self._end("")

    @staticmethod
    def _end(problem: str) -> None:
        SEEN.looking, SEEN.problem = False, problem
        redraw_preferences()


class FACEWRIGHT_OT_processors_look(Explained, bpy.types.Operator):
    """Try every processor with a small network, and see how much memory is free"""

    bl_idname = "facewright.processors_look"
    bl_label = "Look for Processors"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "The processors are being tried already" if SEEN.looking else ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        looking = _Looking()
        if not bpy.app.background:
            pump.add(looking)
            return {"FINISHED"}
        try:
            return attempt(self, lambda: wait_for(looking.steps))
        finally:
            looking.cancel()


# ---- runtimes


class FACEWRIGHT_OT_runtime_fetch(Fetches, bpy.types.Operator):
    """Fetch the libraries that this processor needs"""

    bl_idname = "facewright.runtime_fetch"
    bl_label = "Fetch"

    name: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
    accept: BoolProperty(
        name="I accept these terms",
        description="Without it nothing is fetched",
        options={"SKIP_SAVE"},
    )

    def draw(self, context: bpy.types.Context) -> None:
        runtime, column = self._runtime(), self.layout.column()
        column.label(text=f"{TITLES[runtime.name]} runtime {runtime.version}", icon="IMPORT")
        draw_lines(
            column,
            f"{megabytes(runtime.size)} to download, {megabytes(runtime.unpacked)} on the disk "
            f"afterwards ({megabytes(runtime.disk_needed)} for a while). pip fetches it, with your "
            "own settings and mirror; every file is compared with its hash. It goes into:",
        )
        draw_lines(column, str(user_folder(FOLDER) / runtime.folder_name))
        column.separator()
        draw_lines(column, TERMS[runtime.name])
        column.separator()
        column.prop(self, "accept")

    def begin(self) -> None:
        runtime = self._runtime()
        if runtime.proprietary and not self.accept:
            raise UserError(
                "The runtime was not fetched: its terms were not accepted.",
                "Tick the box in the dialog.",
            )
        fetch(_errand(runtime))

    def _runtime(self) -> Runtime:
        runtime = runtimes().get(self.name)
        if runtime is not None:
            return runtime
        raise UserError(f"There is no runtime called {self.name!r} for this computer.")


def _errand(runtime: Runtime) -> Errand:
    folder = user_folder(FOLDER) / runtime.folder_name

    def done(_ticket: Ticket) -> str:
        SEEN.states.clear()
        _renew_workers()
        return f"The {TITLES[runtime.name]} runtime is ready; look for processors now"

    return Errand("fetch_runtime", {"name": runtime.name, "folder": str(folder)}, done)


class FACEWRIGHT_OT_runtime_remove(Explained, bpy.types.Operator):
    """Delete the libraries that were fetched for this processor"""

    bl_idname = "facewright.runtime_remove"
    bl_label = "Delete"

    name: StringProperty(options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = fetched_folder(self.name) if self.name in TITLES else None
        if folder is None:
            self.report({"ERROR"}, f"No runtime called {self.name!r} was fetched")
            return {"CANCELLED"}
        if not _renew_workers():  # Windows keeps files locked that a worker has loaded
            self.report({"ERROR"}, "The processors are at work; wait for them")
            return {"CANCELLED"}
        SEEN.states.clear()
        try:
            shutil.rmtree(folder)
        except OSError as error:
            self.report({"ERROR"}, f"{folder} could not be deleted: {error}")
            return {"CANCELLED"}
        redraw_preferences()
        return {"FINISHED"}


CLASSES = (
    FACEWRIGHT_OT_processors_look,
    FACEWRIGHT_OT_runtime_fetch,
    FACEWRIGHT_OT_runtime_remove,
)
_register, _unregister = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    _register()


def unregister() -> None:
    SEEN.states.clear()
    SEEN.looking = False
    _unregister()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker keeps open between jobs: models, networks and the faces that are worked on.

A network is opened once for all identities of its folder. What has not been used for longest goes
first, and goes before the new one comes: two may be too much for the memory. A folder whose files
have changed is read again. Dropping is only letting go: a job or a live session that still uses
something keeps it until it ends.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from .lanes import lanes
from .machine import open_watchfully

if TYPE_CHECKING:
    from ..core.models.model import EmotionModel, Model
    from ..core.network.devices import OpenNetwork
    from ..core.take import Loaded
    from ..core.workbench import Workbench

MODELS = 6  # identities count each
NETWORKS = 2
EMOTIONS = 1
WORKBENCHES = 8
WORKBENCH_BYTES = 1 << 30  # of all together: some two hours of voice

Mark = tuple[tuple[str, int, int], ...]
Key = tuple[str, ...]
K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Up to ``limit`` values by key; the one that was not asked for the longest goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """Return a value and count it as used; None when it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def peek(self, key: K) -> V | None:
        """Return a value without counting it as used."""
        return self._values.get(key)

    def get_or(self, key: K, make: Callable[[], V]) -> V:
        """Return a value; one that is not there is made, after room was made for it."""
        value = self.get(key)
        if value is None:
            self.make_room()
            value = self._values[key] = make()
        return value

    def drop_oldest(self) -> None:
        """Let go of the one that was not asked for the longest."""
        self._values.popitem(last=False)

    def make_room(self) -> None:
        """Let go of the oldest values until one more has room."""
        while len(self._values) >= self._limit:
            self.drop_oldest()

    def put(self, key: K, value: V) -> None:
        """Keep a value in place of the former one."""
        self._values.pop(key, None)
        self.get_or(key, lambda: value)

    def values(self) -> list[V]:
        """All values, the oldest first."""
        return list(self._values.values())

    def drop(self, unwanted: Callable[[K], bool]) -> None:
        """Let go of the values whose key is ``unwanted``."""
        for key in [key for key in self._values if unwanted(key)]:
            del self._values[key]


@dataclass(frozen=True)
class Wanted:
    """A model to work with: ``folder``, whose ``identity``, on which ``device``.

    ``emotion_folder`` is an Audio2Emotion model; "" when the emotion is not read from the voice.
    ``low_delay`` takes the folder's network for live use.
    """

    folder: str
    identity: str = ""
    device: str = "cpu"
    threads: int = 0
    emotion_folder: str = ""
    low_delay: bool = False

    @property
    def kind(self) -> str:
        """Which of the folder's networks it is."""
        return "live" if self.low_delay else "take"


class Kept:
    """Everything that is open in this worker."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark] = {}
        self._models: Recent[Key, Model] = Recent(MODELS)
        self._networks: Recent[Key, OpenNetwork] = Recent(NETWORKS)
        self._emotion_models: Recent[Key, EmotionModel] = Recent(EMOTIONS)
        self._emotion_networks: Recent[Key, OpenNetwork] = Recent(EMOTIONS)
        self._workbenches: Recent[str, Workbench] = Recent(WORKBENCHES)

    @property
    def open_count(self) -> int:
        """How many models and networks are open."""
        return (
            len(self._models)
            + len(self._networks)
            + len(self._emotion_models)
            + len(self._emotion_networks)
        )

    def model(self, folder: str, identity: str = "") -> Model:
        """One identity of a folder, without its network. Raises UserError."""
        from ..core.models.model import load_model

        place = self._fresh(folder)
        return self._models.get_or((place, identity), lambda: load_model(folder, identity))

    def emotion_model(self, folder: str) -> EmotionModel:
        """An Audio2Emotion folder, without its network. Raises UserError."""
        from ..core.models.model import load_emotion_model

        place = self._fresh(folder)
        return self._emotion_models.get_or((place,), lambda: load_emotion_model(folder))

    def loaded(self, wanted: Wanted) -> Loaded:
        """Model and network, and those of the emotion where wanted, ready to work.

        Raises UserError when something of it cannot be used.
        """
        from ..core.network.devices import default_threads
        from ..core.network.listening import open_session
        from ..core.take import Loaded

        model = self.model(wanted.folder, wanted.identity)
        model = model.low_delay() if wanted.low_delay else model
        key = self._network_key(wanted)
        if self._networks.peek(key) is None:
            # the same with another number of threads goes first
            self._networks.drop(lambda other: other[:3] == key[:3])
            self._networks.make_room()
            self._workbenches.drop(self._is_left_behind)
        network = self._networks.get_or(
            key,
            lambda: open_watchfully(
                wanted.folder,
                wanted.device,
                lambda: open_session(
                    model,
                    wanted.threads,
                    wanted.device,
                    spread=lanes(wanted.threads or default_threads()),
                ),
            ),
        )
        if not wanted.emotion_folder:
            return Loaded(model, network)
        return Loaded(model, network, *self.emotion(wanted))

    def is_open(self, wanted: Wanted) -> bool:
        """Whether ``loaded`` has nothing to open but perhaps another identity."""
        emotion = not wanted.emotion_folder or self._emotion_networks.peek(
            self._emotion_key(wanted)
        )
        return self._networks.peek(self._network_key(wanted)) is not None and bool(emotion)

    def loaded_without_network(self, wanted: Wanted) -> Loaded:
        """A model for what comes after the network, which is used if it happens to be open."""
        from ..core.network.devices import OpenNetwork
        from ..core.take import Loaded

        model = self.model(wanted.folder, wanted.identity)
        return Loaded(model, self._networks.get(self._network_key(wanted)) or OpenNetwork(None))

    def _network_key(self, wanted: Wanted) -> Key:
        return (self._fresh(wanted.folder), wanted.device, wanted.kind, str(wanted.threads))

    def emotion(self, wanted: Wanted) -> tuple[EmotionModel, OpenNetwork]:
        """The emotion model of ``wanted`` and its network. Raises UserError."""
        from ..core.emotion.detection import open_emotion_session

        folder = wanted.emotion_folder
        model = self.emotion_model(folder)
        key = self._emotion_key(wanted)
        network = self._emotion_networks.get_or(
            key,
            lambda: open_watchfully(
                folder,
                wanted.device,
                lambda: open_emotion_session(model, wanted.threads, wanted.device),
            ),
        )
        return model, network

    def _emotion_key(self, wanted: Wanted) -> Key:
        return (self._fresh(wanted.emotion_folder), wanted.device, str(wanted.threads))

    def workbench(self, name: str, loaded: Loaded) -> Workbench:
        """The workbench of a face; a new one when it is unknown or works with other networks."""
        from ..core.workbench import Workbench

        bench = self._workbenches.get(name)
        if bench is None or not _same_networks(bench.loaded, loaded):
            return self.keep_workbench(name, Workbench(loaded))
        bench.loaded = loaded  # perhaps another identity of the folder
        return bench

    def find_workbench(self, name: str) -> Workbench | None:
        """What is kept of a face, None when nothing is."""
        return self._workbenches.get(name)

    def keep_workbench(self, name: str, bench: Workbench) -> Workbench:
        """Keep a workbench for the next job on this face; returns it."""
        self._workbenches.put(name, bench)
        return bench

    def tidy(self) -> None:
        """Let go of the oldest workbenches while all together are too large; the last one stays."""
        while len(self._workbenches) > 1 and self._workbench_bytes > WORKBENCH_BYTES:
            self._workbenches.drop_oldest()

    @property
    def _workbench_bytes(self) -> int:
        return sum(bench.size for bench in self._workbenches.values())

    def free(self, folder: str | None) -> None:
        """Let go of a folder, or of everything, and give the memory back to the system."""
        if folder is None:
            self._marks.clear()
        self._drop(None if folder is None else os.path.realpath(folder))
        release_memory()

    def _drop(self, place: str | None) -> None:
        """Let go of what was opened from a place; None is everywhere."""
        for recent in (
            self._models, self._networks, self._emotion_models, self._emotion_networks,
        ):  # fmt: skip
            recent.drop(lambda key: place is None or key[0] == place)
        self._workbenches.drop(lambda name: self._works_with(name, place))
        if place is not None:
            self._marks.pop(place, None)

    def _works_with(self, name: str, place: str | None) -> bool:
        bench = self._workbenches.peek(name)
        if place is None or bench is None:
            return True
        models = (bench.loaded.model, bench.loaded.emotion_model)
        return any(m is not None and os.path.realpath(m.folder) == place for m in models)

    def _is_left_behind(self, name: str) -> bool:
        """Whether a workbench alone holds on to a network."""
        bench = self._workbenches.peek(name)
        return bench is None or not any(
            bench.loaded.network is one for one in self._networks.values()
        )

    def _fresh(self, folder: str) -> str:
        """Return the folder's real place, after letting go of what its files no longer are."""
        from ..core.fingerprints import folder_mark

        place = os.path.realpath(folder)
        mark = folder_mark(place)
        if self._marks.get(place, mark) != mark:
            self._drop(place)
        self._marks[place] = mark
        return place


def _same_networks(one: Loaded, other: Loaded) -> bool:
    return one.network is other.network and one.emotion_network is other.emotion_network


def release_memory() -> None:
    """Give back what nothing refers to any more: objects to Python, free memory to the system."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # other C libraries have no such function
            ctypes.CDLL(None).malloc_trim(0)

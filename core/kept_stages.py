# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of stages, kept for as long as what they were made from stays the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from itertools import count
from typing import Any, Generic, TypeVar, cast

import numpy as np

from .arrays import AnyArray
from .parameters import PARAMETERS, Settings, Value

T = TypeVar("T")


@dataclass(frozen=True)
class Kept(Generic[T]):
    """``value`` of a stage; ``version`` is another for every time that it was made."""

    value: T
    version: int


class KeptStages:
    """The last result of every stage, by name. ``counts`` how often each was made."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._kept: dict[str, tuple[Hashable, Kept[object]]] = {}
        self._versions: Iterator[int] = count(1)

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        return array_bytes([kept for _key, kept in self._kept.values()])

    def get(self, name: str, key: Hashable, make: Callable[[], T], counted: bool = True) -> Kept[T]:
        """Return what is kept, or make it anew when the key is another.

        A stage that raises leaves what was kept before. ``counted`` False: no stage of its own.
        """
        before = self.find(name, key)
        if before is not None:
            return cast("Kept[T]", before)
        value = make()
        if counted:
            self.counts[name] += 1
        kept: Kept[T] = Kept(value, next(self._versions))
        self._kept[name] = (key, cast("Kept[object]", kept))
        return kept

    def find(self, name: str, key: Hashable) -> Kept[Any] | None:
        """What is kept of a stage under this very key; None when nothing is."""
        before = self._kept.get(name)
        return before[1] if before is not None and before[0] == key else None

    def last(self, name: str) -> Any:
        """What is kept of a stage, whatever it was made from; None when nothing is."""
        before = self._kept.get(name)
        return None if before is None else before[1].value


class KeptBeside(KeptStages):
    """Stages kept beside those of ``others``: what these hold is used and never replaced."""

    def __init__(self, others: KeptStages) -> None:
        super().__init__()
        self._others = others
        self._versions = others._versions  # one version never means two results

    def find(self, name: str, key: Hashable) -> Kept[Any] | None:
        """As ``KeptStages.find``, in the others first; then the one beside is not needed."""
        found = self._others.find(name, key)
        if found is None:
            return super().find(name, key)
        self._kept.pop(name, None)
        return found

    def last(self, name: str) -> Any:
        """As ``KeptStages.last``, of the others."""
        return self._others.last(name)


def array_bytes(value: object) -> int:
    """Bytes of the arrays in dataclasses, tuples, lists and mappings, each counted once."""
    sizes: dict[int, int] = {}
    _measure(value, sizes)
    return sum(sizes.values())


def _measure(value: object, sizes: dict[int, int]) -> None:
    if isinstance(value, np.ndarray):
        while isinstance(value.base, np.ndarray):
            value = value.base  # a view keeps all of it
        sizes[id(value)] = value.nbytes
    elif is_dataclass(value):
        for field in fields(value):
            _measure(getattr(value, field.name), sizes)
    elif isinstance(value, (tuple, list)):
        for one in value:
            _measure(one, sizes)
    elif isinstance(value, Mapping):
        _measure(list(value.values()), sizes)


def stage_values(settings: Settings, *stages: str) -> tuple[Value, ...]:
    """Values of the parameters that restart one of the stages, in the table's order."""
    return tuple(getattr(settings, name) for name, row in PARAMETERS.items() if row.stage in stages)


def fingerprint(*arrays: AnyArray | None) -> tuple[object, ...]:
    """The arrays' shapes and bytes, to compare by."""
    return tuple(None if a is None else (a.shape, a.dtype.str, a.tobytes()) for a in arrays)

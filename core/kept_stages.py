# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of stages, kept for as long as what they were made from stays the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Generic, TypeVar, cast

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
        self._version = 0

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        return array_bytes([kept for _key, kept in self._kept.values()])

    def get(self, name: str, key: Hashable, make: Callable[[], T], counted: bool = True) -> Kept[T]:
        """Return what is kept, or make it anew when the key is another.

        A stage that raises leaves what was kept before. ``counted`` False: no stage of its own.
        """
        before = self._kept.get(name)
        if before is not None and before[0] == key:
            return cast("Kept[T]", before[1])
        value = make()
        self._version += 1
        if counted:
            self.counts[name] += 1
        kept: Kept[T] = Kept(value, self._version)
        self._kept[name] = (key, cast("Kept[object]", kept))
        return kept


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

# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of ``core.parameters`` as properties of a pipeline.

Each shows the value that counts: the user's, else what the model's folder sets, else the table's
default. The user's own stands in a hidden property beside it (``own_...``), so that a reset or
another model brings the model's value back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bpy.props import BoolProperty, FloatProperty, IntProperty

from ..core.parameters import AUTO_EMOTION, EYES, HEAD, INPUT, PARAMETERS, SKIN, TEETH, TONGUE
from .changes import tell
from .library import defaults

OWN = "own_"
_TEXTS = tuple(row.name for row in INPUT if row.kind == "text")
ROWS = tuple(
    row
    for row in (*INPUT, *AUTO_EMOTION, *SKIN, *EYES, *HEAD, *TEETH, *TONGUE)
    if row.name not in _TEXTS
)
NAMES = tuple(row.name for row in ROWS)
_OF_EMOTION = frozenset(row.name for row in AUTO_EMOTION)


def parameter_annotations() -> dict[str, Any]:
    """Properties by name for a class that has ``model_text`` and ``emotion_model_text``."""
    found: dict[str, Any] = {}
    for name in NAMES:
        found[OWN + name] = _own(name)
        found[name] = _shown(name)
    return found


def is_own(pipeline: Any, name: str) -> bool:
    """Whether the user has set the parameter."""
    return bool(pipeline.is_property_set(OWN + name))


def own_values(pipeline: Any) -> dict[str, float]:
    """The parameters that the user has set, by name; the others are left to the model."""
    return {name: float(getattr(pipeline, OWN + name)) for name in NAMES if is_own(pipeline, name)}


def reset(pipeline: Any, names: Iterable[str]) -> None:
    """Leave parameters to the model again."""
    for name in names:
        if is_own(pipeline, name):
            pipeline.property_unset(OWN + name)
            tell(pipeline, name)


def default_of(pipeline: Any, name: str) -> float:
    """What counts as long as the user sets nothing."""
    if name in _OF_EMOTION:
        known = defaults(pipeline.emotion_model_text)
    else:
        known = defaults(pipeline.model_text, pipeline.identity)
    return float(known.values.get(name, PARAMETERS[name].default))


def _range(name: str) -> dict[str, Any]:
    row = PARAMETERS[name]
    if row.kind == "bool":
        return {}
    if row.kind == "int":
        return {"min": int(row.minimum), "max": int(row.maximum)}
    return {"min": row.minimum, "max": row.maximum}


def _kind(name: str) -> Any:
    return {"bool": BoolProperty, "int": IntProperty, "float": FloatProperty}[PARAMETERS[name].kind]


def _default(name: str) -> Any:
    row = PARAMETERS[name]
    return {"bool": bool, "int": int, "float": float}[row.kind](row.default)


def _own(name: str) -> Any:
    row = PARAMETERS[name]
    told = {"name": row.label, "description": row.text, "options": {"HIDDEN"}}
    return _kind(name)(**told, default=_default(name), **_range(name))


def _shown(name: str) -> Any:
    row = PARAMETERS[name]
    told: dict[str, Any] = {"name": row.label, "description": row.text, **_range(name)}
    if row.kind == "float":
        told.update(step=10, precision=3 if row.maximum <= 0.5 else 2)
        if row.unit == "s":
            told.update(subtype="TIME_ABSOLUTE", unit="TIME_ABSOLUTE")
    cast: Any = {"bool": bool, "int": int, "float": float}[row.kind]

    def get(pipeline: Any) -> Any:
        own = is_own(pipeline, name)
        return cast(getattr(pipeline, OWN + name) if own else default_of(pipeline, name))

    def put(pipeline: Any, value: Any) -> None:
        within = min(max(value, row.minimum), row.maximum)
        setattr(pipeline, OWN + name, cast(within))
        tell(pipeline, name)

    return _kind(name)(**told, default=_default(name), get=get, set=put, options=set())

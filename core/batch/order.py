# SPDX-License-Identifier: GPL-3.0-or-later
"""What all rows of a batch have in common: model, settings, solve, emotion, rate and formats.

As JSON: {"facewright_batch": 1, "model", "low_delay", "settings", "rigs", "emotion", "fps",
"formats", "gains", "mapping", "tongue", "joints"}. All but the first may be left out, and then have
the defaults of ``Order``.
Names of files and folders count from the order's own folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import limits
from ..emotion.source import EmotionSource
from ..errors import UserError
from ..exchange.channel_map import ChannelMap, channel_map_from
from ..exchange.gains import NO_GAINS, Gains, gains_from
from ..files import write_text
from ..parameters import checked_values
from ..safe_files import Json, read_json
from ..solve.pose_table import RigOverrides
from . import fields
from .fields import BUILT_IN as BUILT_IN

if TYPE_CHECKING:
    from .manifest import Row

SCHEMA = 1
_KEY = "facewright_batch"
_FIELDS = (
    _KEY, "model", "low_delay", "settings", "rigs", "emotion", "fps", "formats", "gains",
    "mapping", "tongue", "joints",
)  # fmt: skip


@dataclass(frozen=True)
class Order:
    """What is to be made of every voice.

    ``model``     folder, or ``BUILT_IN``; ``low_delay`` takes its network for live use
    ``settings``  parameters by name; the model's own and the table's stand for the others. Among
                  them ``identity``, the person of the model
    ``rigs``      changes to the solve, per pose; ``emotion`` where the emotion comes from, its
                  model may be ``BUILT_IN``
    ``fps``       frames per second, exact; ``formats`` names of what is written per row
    ``gains``, ``mapping``, ``tongue``, ``joints``  as in ``exchange.weights.WeightOptions``
    """

    model: str = BUILT_IN
    low_delay: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    rigs: RigOverrides = field(default_factory=RigOverrides)
    emotion: EmotionSource = field(default_factory=EmotionSource)
    fps: Fraction = Fraction(60)
    formats: tuple[str, ...] = ("json",)
    gains: Gains = NO_GAINS
    mapping: ChannelMap | None = None
    tongue: bool = True
    joints: bool = True

    def to_mapping(self) -> dict[str, Json]:
        """Plain values for JSON; ``from_mapping`` takes them back."""
        fps = self.fps
        return {
            _KEY: SCHEMA,
            "model": self.model,
            "low_delay": self.low_delay,
            "settings": dict(sorted(checked_values(self.settings).items())),
            "rigs": self.rigs.to_mapping(),
            "emotion": fields.emotion_mapping(vars(self.emotion)),
            "fps": int(fps) if fps.denominator == 1 else str(fps),
            "formats": list(self.formats),
            "gains": self.gains.to_mapping(),
            "mapping": None if self.mapping is None else self.mapping.to_mapping(),
            "tongue": self.tongue,
            "joints": self.joints,
        }

    @classmethod
    def from_mapping(cls, values: Json, folder: Path, where: str = "The order") -> Order:
        """An order of parsed JSON, whose file names count from ``folder``.

        Raises UserError naming ``where`` and the field.
        """
        if not isinstance(values, dict) or _KEY not in values:
            raise UserError(f"{where} is not an order for a batch: it has no {_KEY}.")
        if values[_KEY] != SCHEMA:
            raise UserError(
                f"{where} is an order of version {values[_KEY]!r}; this Facewright reads {SCHEMA}.",
                "Save it again, or update Facewright.",
            )
        fields.only(values, _FIELDS, where)
        plain = cls()
        source: dict[str, Any] = fields.emotion(values.get("emotion", {}), folder, where)
        return cls(
            model=fields.located(fields.text(values, "model", where), folder) or BUILT_IN,
            low_delay=fields.flag(values, "low_delay", where),
            settings=fields.settings(values, where),
            rigs=RigOverrides.from_mapping(fields.table(values, "rigs", where)),
            emotion=EmotionSource(**source),
            fps=fields.frame_rate(values, where) or plain.fps,
            formats=fields.formats(values, where) or plain.formats,
            gains=gains_from(gains, where) if (gains := values.get("gains")) else plain.gains,
            mapping=channel_map_from(mapping, where)
            if (mapping := values.get("mapping"))
            else None,
            tongue=fields.flag(values, "tongue", where, plain.tongue),
            joints=fields.flag(values, "joints", where, plain.joints),
        )

    def for_row(self, row: Row) -> Order:
        """The order of one row: what the row says itself goes before. Raises UserError."""
        settings = {**self.settings, **row.settings}
        if row.identity:
            settings["identity"] = row.identity
        changes: dict[str, Any] = dict(row.emotion)
        return replace(
            self,
            settings=settings,
            emotion=replace(self.emotion, **changes) if changes else self.emotion,
            fps=row.fps or self.fps,
            formats=row.formats or self.formats,
        )

    def with_models(self, model: Path, emotion_model: Path) -> Order:
        """The same with the folders of the built-in models in the place of their name."""
        source = self.emotion
        if source.model == BUILT_IN:
            source = replace(source, model=str(emotion_model))
        return replace(
            self, model=str(model) if self.model == BUILT_IN else self.model, emotion=source
        )


def read_order(path: str | os.PathLike[str]) -> Order:
    """Read an order. Raises UserError naming the file and the field."""
    source = Path(os.path.abspath(path))
    values = read_json(source, limits.MAX_JSON_BYTES)
    return Order.from_mapping(values, source.parent, str(source))


def write_order(path: str | os.PathLike[str], order: Order) -> None:
    """Write an order, whole or not at all. Raises UserError."""
    write_text(path, json.dumps(order.to_mapping(), indent=1, ensure_ascii=False) + "\n")

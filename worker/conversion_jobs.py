# SPDX-License-Identifier: GPL-3.0-or-later
"""The job "convert": weights of a mesh's shape keys for a moving mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.arrays import Doubles
from ..core.errors import UserError
from ..core.watch import Watch
from . import arguments
from .calls import Call, Reply

if TYPE_CHECKING:
    from ..core.solve.basis import PoseNormal

PATIENCE_S = 60.0  # for one round of a very long clip


def convert(call: Call) -> Reply:
    """Blend shape conversion of a clip.

    {names, settings, size2, count}, what ``core.solve.basis.PoseNormal`` holds and the mapping of
    ``core.solve.conversion.ConversionSettings``, and arrays normal (P, P), sides (T, P), energies
    (T,) -> weights (T, P) float32, residuals (T,), worst (K,): see ``Converted``.
    """
    from ..core.solve import conversion

    where = "convert"
    arguments.only(call.args, ("names", "settings", "size2", "count"), where)
    settings = conversion.ConversionSettings.from_mapping(call.args.get("settings", {}))
    basis = _basis(call, where)
    sides = _doubles(call, "sides", where, None, len(basis.names))
    energies = _doubles(call, "energies", where, len(sides))

    def tell(share: float, text: str) -> None:
        call.progress(share, text, PATIENCE_S)

    found = conversion.convert(basis, sides, energies, settings, Watch(tell, call.cancelled))
    return {}, {"weights": found.weights, "residuals": found.residuals, "worst": found.worst}


def _basis(call: Call, where: str) -> PoseNormal:
    from ..core.solve.basis import PoseNormal

    names = arguments.texts(call.args, "names", where)
    size2 = arguments.number(call.args, "size2", where)
    count = arguments.whole(call.args, "count", where)
    if not names or size2 is None or size2 < 0 or count is None:
        raise UserError(f"{where} is not given its poses.")
    normal = _doubles(call, "normal", where, len(names), len(names))
    if not np.isfinite(normal).all():
        raise UserError(f"{where} is given poses without finite positions.")
    return PoseNormal(names, normal, size2, count)


def _doubles(call: Call, name: str, where: str, *shape: int | None) -> Doubles:
    found = arguments.array(call.arrays, name, "f", where, *shape)
    if found is None:
        raise UserError(f"{where} is not given its array {name!r}.")
    return np.asarray(found, np.float64)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Short names for the array types that pass between stages.

Arrays are C-contiguous, time first ``(T, ...)``, vertices ``(V, 3)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
AnyArray = NDArray[Any]

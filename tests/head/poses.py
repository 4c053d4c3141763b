# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses that several tests look at."""

from __future__ import annotations

# In all of these the mouth is shut.
BILABIAL = {"mouthPress": 0.5, "mouthRollUpper": 0.35, "mouthRollLower": 0.4}
SHUT = [
    {},
    BILABIAL,
    *({"jawOpen": a, "mouthClose": a} for a in (0.05, 0.1, 0.15, 0.5, 1.0)),
    {**BILABIAL, "jawOpen": 0.1, "mouthClose": 0.1},
    *({name: 1.0} for name in ("mouthPress", "mouthRollUpper", "mouthRollLower", "mouthSmile")),
    *({name: 1.0} for name in ("mouthFrown", "mouthPucker", "mouthShrugLower", "cheekPuff")),
    *({name: 1.0} for name in ("mouthStretch", "mouthDimple", "mouthLeft", "mouthRight")),
]

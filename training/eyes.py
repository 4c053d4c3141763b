# SPDX-License-Identifier: GPL-3.0-or-later
"""The saccade table: where living eyes dart, frame by frame, and the blink profile."""

from __future__ import annotations

import numpy as np

FRAMES, FPS = 5000, 30
BLINK_KEYS = np.array([0.0, 0.35, 0.85, 1.0, 1.0, 0.8, 0.5, 0.25, 0.1, 0.0], np.float32)
WIDTH, HEIGHT = 1.5, 0.8  # degrees of spread to the side and up or down
SHORTEST, TYPICAL = 0.2, 0.7  # seconds that the eyes rest on one point
TREMOR = 0.03  # degrees


def saccade_table(seed: int) -> np.ndarray:
    """Degrees (5000, 2) as X pitch, Y yaw at 30 fps; the eyes rest, then dart.

    A dart takes one to two frames by its size; between darts there is only a tremor. The
    gaze returns to the middle again and again, and the table's end meets its start.
    """
    rng = np.random.default_rng(seed)
    table = np.zeros((FRAMES, 2))
    now, gaze = 0, np.zeros(2)
    while now < FRAMES:
        rest = SHORTEST + rng.exponential(TYPICAL)
        stay = max(2, round(FPS * rest))
        table[now : now + stay] = gaze
        now += stay
        wanted = rng.normal(size=2) * (HEIGHT, WIDTH) if rng.random() < 0.7 else np.zeros(2)
        if now >= FRAMES - 4 * FPS:
            wanted = np.zeros(2)
        if np.linalg.norm(wanted - gaze) > 1.5 and now < FRAMES:
            table[now] = 0.5 * (gaze + wanted)
            now += 1
        gaze = wanted
    table += TREMOR * rng.normal(size=table.shape)
    return table.astype(np.float32)

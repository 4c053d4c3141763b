# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sample voice that comes with the extension (see ``assets/sample_voice.md``)."""

from __future__ import annotations

from pathlib import Path

from .paths import CHECKOUT
from .recipe import read_recipe

VOICE, SPEED = "am_michael", 1.1
SENTENCES = (
    "Hello, my name is Facewright.",
    "Give me a voice, and I will give it a face:",
    "every map, every bubble, five thin feathers, and you, who move so beautifully.",
)
PEAK = 0.7


def make_sample(path: Path = CHECKOUT / "assets" / "sample_voice.flac") -> Path:
    """Speak the sentences and write them as 16-bit FLAC."""
    import numpy as np
    import soundfile

    from .voices import KOKORO_RATE, Kokoro, kokoro_letters

    voices = Kokoro(read_recipe().section("speech", "kokoro"), {})
    spoken = np.concatenate(
        [
            voices.utter(kokoro_letters(sentence, "en-us", "en"), VOICE, SPEED).samples
            for sentence in SENTENCES
        ]
    )
    loudest = np.abs(spoken).max()
    soundfile.write(path, spoken / loudest * PEAK, KOKORO_RATE, subtype="PCM_16")
    return path

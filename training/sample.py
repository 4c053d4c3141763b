# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sample voice that comes with the extension (see ``assets/sample_voice.md``)."""

from __future__ import annotations

from pathlib import Path

from .paths import CHECKOUT
from .recipe import read_recipe

VOICE, SPEED = "am_michael", 1.1
TEXT = (
    "Hello, my name is Facewright. Give me a voice, and I will give it a face: every map, every "
    "bubble, five thin feathers, and you, who move so beautifully."
)


def make_sample(path: Path = CHECKOUT / "assets" / "sample_voice.flac") -> Path:
    """Speak the text and write it as 16-bit FLAC."""
    import soundfile

    from .voices import Kokoro, kokoro_letters

    voices = Kokoro(read_recipe().section("speech", "kokoro"))
    spoken = voices.utter(kokoro_letters(TEXT, "en-us", "en"), VOICE, SPEED)
    loudest = float(abs(spoken.samples).max())
    soundfile.write(path, 0.8 / loudest * spoken.samples, spoken.rate, subtype="PCM_16")
    return path

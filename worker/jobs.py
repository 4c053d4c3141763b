# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixed table of what a worker can do. Arguments are JSON and arrays, and so are results.

What a job is given and gives back stands with its function.
"""

from __future__ import annotations

from functools import partial

from . import retarget_jobs as retarget
from .animate_jobs import animate, detect, redo
from .calls import Job
from .conversion_jobs import convert
from .download import download
from .kept import Kept
from .live_jobs import Lives
from .machine import memory
from .model_jobs import allocate, describe, devices, free
from .preview_jobs import preview
from .runtimes import fetch_runtime
from .session_jobs import Sessions
from .voice_jobs import probe
from .weights_jobs import read_face

SOUND = ("soundfile",)
NETWORK = ("onnxruntime",)
NUMBERS = ("scipy",)
FACE = ("onnxruntime", "scipy")


def standard_jobs() -> dict[str, Job]:
    """The table of a worker; each table keeps models and sessions of its own."""
    kept = Kept()
    sessions, lives = Sessions(kept), Lives(kept)
    return {
        "probe": Job(probe, SOUND, express=True),
        "animate": Job(partial(animate, kept), (*FACE, *SOUND)),
        "preview": Job(partial(preview, kept), (*FACE, *SOUND), express=True),
        "redo": Job(partial(redo, kept), NUMBERS),
        "detect": Job(partial(detect, kept), (*FACE, *SOUND)),
        "describe": Job(partial(describe, kept)),
        "devices": Job(devices, NETWORK, express=True),
        "allocate": Job(partial(allocate, kept), NETWORK),
        "free": Job(partial(free, kept, (sessions, lives))),
        "memory": Job(memory, express=True),
        "download": Job(download),
        "fetch_runtime": Job(fetch_runtime),
        "session_open": Job(sessions.open, FACE, express=True, once=True),
        "session_feed": Job(sessions.feed, FACE, express=True, once=True),
        "session_cancel": Job(sessions.cancel, express=True, once=True),
        "microphones": Job(lives.microphones, express=True),
        "live_open": Job(lives.open, express=True, once=True),
        "live_read": Job(lives.read, express=True, once=True),
        "live_set": Job(lives.set, express=True, once=True),
        "live_close": Job(lives.close, express=True, once=True),
        "live_save": Job(lives.save, SOUND),
        "suggest": Job(retarget.suggest, NUMBERS),
        "fit": Job(retarget.fit, NUMBERS),
        "transfer": Job(retarget.transfer, NUMBERS),
        "bind": Job(retarget.bind, NUMBERS),
        "follow": Job(retarget.follow, NUMBERS),
        "parts": Job(retarget.parts, NUMBERS),
        "shapes": Job(retarget.shapes, NUMBERS),
        "read_face": Job(read_face, express=True),
        "convert": Job(convert, NUMBERS),
    }

# SPDX-License-Identifier: GPL-3.0-or-later
"""Every limit on what is accepted from outside, in one place."""

from __future__ import annotations

SAMPLE_RATE = 16_000  # of the networks, per second
MIN_RATE = 4_000  # of a voice, per second
MAX_RATE = 768_000
MAX_CHANNELS = 64  # of samples that are handed in, and of what the panel offers
MAX_DURATION_S = 3_600.0  # of the part of a voice that is animated at once
SHORT_CLIP_S = 0.5  # below this, emotion settings have no visible effect
AUDIO_BLOCK_VALUES = 1 << 19  # samples times channels handled at once
AUDIO_STEP_FRAMES = 4_096  # decoded at once: what is lost where a file is damaged

MIN_FPS = 1
MAX_FPS = 1_000
MAX_FPS_DENOMINATOR = 1_000_000

MAX_JSON_BYTES = 8 << 20  # of a model's or preset's JSON file
MAX_WEIGHTS_JSON_BYTES = 512 << 20  # one hour at 60 fps
MAX_JSON_DEPTH = 32
MAX_NPZ_BYTES = 2 << 30  # unpacked, all arrays of one file together
MAX_NPZ_ENTRIES = 4_096
MAX_NPZ_RATIO = 200  # unpacked to packed, looked at from NPZ_RATIO_FROM_BYTES on
NPZ_RATIO_FROM_BYTES = 64 << 20
MAX_NETWORK_BYTES = 4 << 30

MAX_VERTICES = 1_000_000
MAX_SHAPES = 4_096
MAX_EMOTIONS = 256
MAX_WINDOW_SAMPLES = 160_000
MAX_ROWS = 10_000_000  # of a table without a fixed size: emotion database, eye darts, names

NETWORK_BATCH = 32  # windows per call of the network
LIGHT_NETWORK_BYTES = 32 << 20  # a network of at most this needs little memory per window,
LIGHT_NETWORK_BATCH = 64  # so that more of them at once are faster
STREAM_FRAMES = 512  # of a live voice, given to the network before more of it is heard
GEOMETRY_BLOCK = 128  # frames of geometry held at once
PROJECTION_BLOCK = 256  # frames brought into the solver's unknowns at once
MAX_FRAMES = 1_000_000  # of one take

MAX_CLIP_PHASES = 16  # runs over a voice with a network for whole clips; with more, windows
CLIP_PART_SAMPLES = 10 * SAMPLE_RATE  # of a voice, in one run of such a network
MAX_BASIS_ROWS = 1_024  # directions that a diffusion model's motion is kept in

MAX_HUB_FILES = 500  # of a model that is downloaded
MAX_HUB_BYTES = 16 << 30
MAX_HUB_PATH = 200  # characters of a file's name with its folders

MAX_POSES = 1_024  # of one blend shape rig
MAX_POSE_NAME = 120  # characters
MAX_IDENTITIES = 64  # people in one model folder
MAX_DIFFUSION_STEPS = 64
MAX_NOISE_VALUES = 1 << 28  # that one diffusion inference is given: 1 GiB of float32
MAX_NETWORK_FIELDS = 4_000_000  # protobuf fields looked at in one network file
MAX_NPY_HEADER_BYTES = 64 << 10
MAX_COORDINATE = 1e6  # of anything in a model's arrays, so that no later sum overflows
MAX_LICENCE_BYTES = 256 << 10  # looked at in a file of terms

MAX_MANIFEST_BYTES = 256 << 20  # of a batch's rows
MAX_BATCH_ROWS = 1_000_000

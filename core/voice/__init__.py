# SPDX-License-Identifier: GPL-3.0-or-later
"""From a sound file or its bytes to mono samples at 16 kHz."""

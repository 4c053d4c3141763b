# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion over time: keys, what is heard in the voice, and how both are mixed."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of voices: rows of a manifest, what is to be made of each, and what is done already."""

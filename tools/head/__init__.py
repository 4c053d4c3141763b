# SPDX-License-Identifier: GPL-3.0-or-later
"""Build-time code of the built-in head."""

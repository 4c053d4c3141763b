# SPDX-License-Identifier: GPL-3.0-or-later
"""Running networks: every family, on any processor, whole voices and live ones."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the model folder ``models/facewright-emotion``, which hears emotion in a voice."""

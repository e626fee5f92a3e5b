"""The reference layout: the files of the indexed one, but in the user's data directory and not beside the pictures.

For a folder that ImaLink may not write into. None of the names in that folder are ImaLink's.
"""

from __future__ import annotations

from dataclasses import replace

from imalink.formats.layouts.indexed import INDEXED

REFERENCE = replace(INDEXED, name="reference", own_names=frozenset[str](), is_reference=True)

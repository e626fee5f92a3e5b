"""The layouts a storage may have, by the word in its signature."""

from __future__ import annotations

from imalink.errors import NewerFormatError
from imalink.formats.layouts.hybrid import HYBRID
from imalink.formats.layouts.indexed import INDEXED
from imalink.formats.layouts.layout import Layout
from imalink.formats.layouts.reference import REFERENCE

LAYOUTS = {layout.name: layout for layout in (HYBRID, INDEXED, REFERENCE)}


def is_reference_layout(name: str) -> bool:
    """Tell whether storages of this layout only refer to pictures, which are then no copies of ours."""
    layout = LAYOUTS.get(name)
    return layout is not None and layout.is_reference


def layout_named(name: str) -> Layout:
    """Give the layout of this name. Raises NewerFormatError for one that this version does not know."""
    layout = LAYOUTS.get(name)
    if layout is None:
        raise NewerFormatError(
            f"The storage has the layout {name!r}; this ImaLink knows {', '.join(LAYOUTS)}. Nothing was changed.",
            hint="Upgrade ImaLink on this machine.",
        )
    return layout

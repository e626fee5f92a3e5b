"""How two files or pictures stand to each other, and which picture a file holds, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import json_text

if TYPE_CHECKING:
    # Types alone: the command line spells small answers without loading the workflows.
    from imalink.core.likeness import Subject
    from imalink.workflows.explain import Explanation
    from imalink.workflows.identify import Identified


def explanation_json(found: Explanation) -> dict[str, object]:
    """Spell why two are, or are not, the same picture or photo."""
    likeness = found.likeness
    return {
        "relation": likeness.relation.value,
        "reasons": [json_text(reason) for reason in likeness.reasons],
        "a": _subject_json(found.first),
        "b": _subject_json(found.second),
        "differences": [
            {
                "fact": each.fact,
                "a": None if each.first is None else json_text(each.first),
                "b": None if each.second is None else json_text(each.second),
            }
            for each in likeness.differences
        ],
    }


def _subject_json(subject: Subject) -> dict[str, object]:
    return {
        "name": json_text(subject.label),
        "hothash": subject.hothash,
        "hothash_method": subject.method,
        "sha256": sorted(subject.sha256s),
        "photo_uuid": subject.photo_uuid,
    }


def identified_json(result: Identified) -> dict[str, object]:
    """Spell which picture a file holds, or why it could not be read."""
    if result.fingerprint is None:
        return {"path": json_text(str(result.path)), "error": json_text(result.error)}
    return {
        "path": json_text(str(result.path)),
        "hothash": result.fingerprint.hothash,
        "hothash_method": result.fingerprint.method,
        "sha256": result.fingerprint.sha256,
        "file_size": result.fingerprint.size_bytes,
    }

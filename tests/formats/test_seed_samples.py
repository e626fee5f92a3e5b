"""The files that the seeds show: what ImaLink reads of them today, and what it does not read yet."""

from __future__ import annotations

import msgspec
import pytest

from imalink.errors import IndexDamagedError
from imalink.formats.layouts import hybrid, master_codec, overview_codec
from imalink.formats.signature_file import dump_signature, parse_signature
from tests.formats.examples import DOCUMENTS, as_json, full_entry
from tests.formats.seed_samples import (
    SEED_MASTER,
    SEED_MIGRATED_SIGNATURE,
    SEED_OVERVIEW,
    SEED_SESSION,
    SEED_SIGNATURE,
    Json,
)


def _bytes(sample: Json) -> bytes:
    return msgspec.json.format(msgspec.json.encode(sample), indent=2)


def test_the_signature_of_seed_000_is_read() -> None:
    signature = parse_signature(_bytes(SEED_SIGNATURE))
    assert signature.storage_uuid == SEED_SIGNATURE["storage_uuid"]
    assert signature.tags == ("vacation", "family", "2020-2024")
    assert signature.extras == {}


def test_the_signature_that_seed_000_makes_of_a_legacy_storage_is_read() -> None:
    signature = parse_signature(_bytes(SEED_MIGRATED_SIGNATURE))
    assert (signature.migrated_from, signature.last_indexed, signature.photo_count) == ("legacy_v0", None, 0)


def test_the_signature_of_seed_000_is_written_again_with_all_it_said() -> None:
    written = as_json(dump_signature(parse_signature(_bytes(SEED_SIGNATURE))))
    assert {key: written[key] for key in SEED_SIGNATURE} == SEED_SIGNATURE


@pytest.mark.parametrize(
    ("name", "sample"), [("overview", SEED_OVERVIEW), ("session-index", SEED_SESSION), ("master", SEED_MASTER)]
)
def test_what_is_written_has_every_key_that_the_seed_shows(name: str, sample: Json) -> None:
    _check_keys(as_json(DOCUMENTS[name].data()), sample)


def _check_keys(ours: Json, theirs: Json) -> None:
    for key, value in theirs.items():
        if key == "files":
            _check_keys(ours[key][full_entry().hothash], next(iter(value.values())))
            continue
        assert type(ours[key]) is type(value), key
        match key:
            case "storage_info" | "import_session" | "statistics":
                _check_keys(ours[key], value)
            case "import_sessions":
                _check_keys(ours[key][0], value[0])
            case _:
                pass


# Reading files that hold nothing but the seeds' own keys belongs to adopting old storages, which comes later. Until
# then each is refused by naming the first key it lacks, and never half read.


def test_an_overview_with_only_the_keys_of_seed_001_is_refused_by_name() -> None:
    with pytest.raises(IndexDamagedError) as refusal:
        overview_codec.parse_overview(_bytes(SEED_OVERVIEW))
    assert refusal.value.place.startswith(("storage_info.", "import_sessions."))


def test_a_session_index_with_only_the_keys_of_seed_001_is_refused_by_name() -> None:
    with pytest.raises(IndexDamagedError) as refusal:
        hybrid.parse_session(_bytes(SEED_SESSION), file="imports/session_42.json")
    assert refusal.value.place.startswith(("import_session.", "files."))


def test_a_master_with_only_the_keys_of_seed_000_is_refused_by_name() -> None:
    with pytest.raises(IndexDamagedError) as refusal:
        master_codec.parse_master(_bytes(SEED_MASTER))
    assert refusal.value.place

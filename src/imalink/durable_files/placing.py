"""Giving a file its final name without ever overwriting another."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

from imalink.durable_files.calls import FileCalls
from imalink.durable_files.trouble import UNSUPPORTED, storage_errors


class PlacedBy(StrEnum):
    """Which way a file got its final name."""

    RENAME = "rename"
    """One step that cannot overwrite."""
    LINK = "link"
    """A second name that cannot overwrite, then the first was taken away."""
    CLAIM = "claim"
    """A rename over our own empty claim (exFAT, SMB): the one exception to promise P2."""


def place_without_overwrite(
    calls: FileCalls,
    *,
    from_directory: int,
    from_name: str,
    to_directory: int,
    to_name: str,
    before_claim: Callable[[], None] | None = None,
    is_own_claim: bool = False,
) -> PlacedBy:
    """Give the staged file its final name, never over another file; give the way it went.

    The staged file must be complete and flushed. Not durable until both directories are flushed (once per group). A
    crash leaves the file under the staged name, the final one, or (LINK) both; with CLAIM perhaps an empty file at the
    final name. ``before_claim`` is called before such a claim is made, to note it in the intent;
    ``is_own_claim`` lets recovery place over a claim so noted, if it is still empty. Between looking at the claim
    and the rename over it, another program could still write into it; no other file is ever at risk. Where a
    linked file's staged name cannot be taken away, the final one is, if the device allows.

    Raises NameTakenError (nothing changed), OtherDeviceError, and what ``storage_error`` gives.
    """
    with storage_errors("place", to_name, is_writing=True):
        try:
            calls.rename_noreplace(from_directory, from_name, to_directory, to_name)
        except OSError as error:
            if error.errno == errno.EEXIST and is_own_claim:
                return _place_over_claim(
                    calls, from_directory, from_name, to_directory, to_name, before_claim, is_own_claim
                )
            if error.errno not in UNSUPPORTED:
                raise
        else:
            return PlacedBy.RENAME
        try:
            calls.link(from_directory, from_name, to_directory, to_name)
        except OSError as error:
            if error.errno == errno.EEXIST and _is_same_file(calls, from_directory, from_name, to_directory, to_name):
                pass  # an answer lost on the network, or a crash before our unlink: the link is ours
            elif error.errno in UNSUPPORTED or (error.errno == errno.EEXIST and is_own_claim):
                return _place_over_claim(
                    calls, from_directory, from_name, to_directory, to_name, before_claim, is_own_claim
                )
            else:
                raise
        try:
            # Two folders have no common order on the disk: the new name is sure before the old one goes.
            _flush(calls, to_directory)
            calls.unlink(from_directory, from_name)
        except OSError:
            # The caller may now choose another name, so that this one must not stay. Only while the staged name stands:
            # a network may lose the answer to an unlink that was done.
            with suppress(OSError):
                if _is_same_file(calls, from_directory, from_name, to_directory, to_name):
                    calls.unlink(to_directory, to_name)
            raise
        return PlacedBy.LINK


def exchange_names(calls: FileCalls, *, directory: int, name: str, other_directory: int, other_name: str) -> bool:
    """Let two files change names in one step, so that neither name is ever without a file; False: not known here.

    Not durable until both directories are flushed. Raises what ``storage_error`` gives.
    """
    with storage_errors("swap", other_name, is_writing=True):
        try:
            calls.rename_exchange(directory, name, other_directory, other_name)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            return False
    return True


def _place_over_claim(
    calls: FileCalls,
    from_directory: int,
    from_name: str,
    to_directory: int,
    to_name: str,
    before_claim: Callable[[], None] | None,
    is_own_claim: bool,
) -> PlacedBy:
    if is_own_claim and (claim := _find_stat(calls, to_directory, to_name)) is not None:
        claimed = (claim.st_dev, claim.st_ino)
    else:
        if before_claim is not None:
            before_claim()
        descriptor = calls.create_exclusive(to_directory, to_name, 0o600)
        try:
            facts = calls.fstat(descriptor)
        finally:
            calls.close(descriptor)
        claimed = (facts.st_dev, facts.st_ino)
    now = calls.stat(to_directory, to_name)
    if (now.st_dev, now.st_ino) != claimed or not stat.S_ISREG(now.st_mode) or now.st_size != 0:
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    try:
        calls.rename_replacing(from_directory, from_name, to_directory, to_name)
    except OSError:
        with suppress(OSError):
            now = calls.stat(to_directory, to_name)
            if (now.st_dev, now.st_ino) == claimed and now.st_size == 0:
                calls.unlink(to_directory, to_name)
        raise
    return PlacedBy.CLAIM


def _flush(calls: FileCalls, directory: int) -> None:
    try:
        calls.fsync(directory)
    except OSError as error:
        if error.errno not in UNSUPPORTED:  # some network and FUSE mounts cannot; they are taken as they are
            raise


def _find_stat(calls: FileCalls, directory: int, name: str) -> os.stat_result | None:
    try:
        return calls.stat(directory, name)
    except FileNotFoundError:
        return None


def _is_same_file(calls: FileCalls, directory: int, name: str, other_directory: int, other_name: str) -> bool:
    try:
        one, other = calls.stat(directory, name), calls.stat(other_directory, other_name)
    except FileNotFoundError:
        return False
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)

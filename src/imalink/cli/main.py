"""The ``imalink`` command: its groups, and the edge where errors become messages and exit codes."""

from __future__ import annotations

import sys

import click

from imalink import __version__
from imalink.cli import (
    accounts,
    backing_up,
    browsing,
    card_checking,
    conflicts,
    deleting,
    editing,
    errors,
    exporting,
    finding,
    health,
    identity,
    importing,
    measuring,
    operations,
    photos,
    recovery,
    reindexing,
    rolling_back,
    searching,
    serving,
    sessions,
    sidecars,
    storages,
    system,
    trash,
    unlocking,
    verifying,
)
from imalink.cli.render import (
    show_error,
    show_note,
)
from imalink.errors import CancelledError, ImalinkError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="imalink")
def cli() -> None:
    """A photo archive in which pictures stay ordinary files in folders you arrange, and nothing is ever lost.

    Exit codes: 0 done, 1 failed, 2 usage, 3 some sources could not be read, 4 done with findings, 10 not found,
    11 locked, 12 storage offline, 130 cancelled.
    """


for command in (
    storages.storage,
    importing.import_command,
    reindexing.reindex_command,
    reindexing.scan_command,
    reindexing.enrich_command,
    conflicts.conflicts_command,
    finding.find,
    finding.whereis,
    searching.search_command,
    exporting.export_command,
    sessions.sessions,
    photos.photos,
    editing.edit_command,
    sidecars.sidecars_command,
    deleting.delete_command,
    trash.trash,
    operations.operations_command,
    operations.undo_command,
    browsing.browse_command,
    verifying.verify_command,
    verifying.heal_command,
    card_checking.card_check_command,
    recovery.recover_command,
    recovery.regenerate_command,
    backing_up.backup_command,
    backing_up.restore_command,
    backing_up.drill_command,
    unlocking.unlock_command,
    identity.hothash_command,
    identity.explain_command,
    health.health_command,
    measuring.bench_command,
    serving.serve_command,
    accounts.user,
    accounts.token,
    accounts.audit_command,
    system.config,
    system.version,
):
    cli.add_command(command)


sessions.sessions.add_command(rolling_back.rollback_command)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        show_note("Stopped.")
        sys.exit(errors.CANCELLED)
    except CancelledError as error:
        show_note(f"{error.message} {error.hint}".strip())
        sys.exit(errors.CANCELLED)
    except ImalinkError as error:
        show_error(error)
        sys.exit(errors.exit_code_of(error))
    except BrokenPipeError:
        # The reader of our output went away (as `| head` does): nothing is left to say, and stdout must not be flushed.
        sys.stderr.close()
        sys.exit(errors.FAILED)
    sys.exit(code if isinstance(code, int) else errors.DONE)

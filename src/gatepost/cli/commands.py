"""The commands by name. The module of a command is imported when the command runs: the list of all needs none."""

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

# Where each command is, a function or the app of several commands; and its help, which is the same there.
COMMANDS = {
    "serve": ("gatepost.cli.server:serve", "Serve the API and its documentation."),
    "migrate": (
        "gatepost.cli.database:migrate",
        "Migrate the database schema to the newest version, or back to an earlier one.",
    ),
    "create-admin": (
        "gatepost.cli.accounts:create_admin",
        "Create an account with the roles user and admin. The password is requested without echo.",
    ),
    "doctor": (
        "gatepost.cli.doctor:doctor",
        "Check settings, mail server, database, keys and providers. The exit code is 1 if something does not work.",
    ),
    "export": (
        "gatepost.cli.transfer:export",
        "Export all accounts and roles, INCLUDING PASSWORD HASHES. Only the owner of the file can read it.",
    ),
    "purge": (
        "gatepost.cli.purge:purge",
        "Delete expired data in small batches. The running service does this by itself.",
    ),
    "unlock": (
        "gatepost.cli.unlock:unlock",
        "Reset the counters of wrong passwords, so that people can try again at once.",
    ),
    "after-restore": (
        "gatepost.cli.restoring:after_restore",
        "Run this after you restore a database backup. It ends restored sessions, tokens and links, and holds pending "
        "mails.",
    ),
    "openapi": ("gatepost.cli.info:openapi", "Print the OpenAPI document. Needs no settings and no database."),
    "settings": ("gatepost.cli.info:settings", "Print the current settings, with secrets hidden."),
    "users": ("gatepost.cli.users:app", "Manage accounts."),
    "factors": ("gatepost.cli.factors:app", "Manage second factors."),
    "keys": ("gatepost.cli.keys:app", "Manage the keys that sign access tokens."),
    "clients": (
        "gatepost.cli.clients:app",
        "Services that introspect access tokens or follow the revocation feed.",
    ),
    "providers": ("gatepost.cli.providers:app", "Other providers by which people can sign in."),
    "mail": ("gatepost.cli.mail:app", "Retry failed mails, preview mails, and test the mail settings."),
    "audit": ("gatepost.cli.audit:app", "The audit log and its hash chain."),
    "import": (
        "gatepost.cli.transfer:app",
        "Import accounts. After an interruption, run the command again to continue.",
    ),
}


class Commands(TyperGroup):
    """All commands, as they are listed."""

    def __init__(self, **options: Any) -> None:
        commands = {name: Unloaded(name=name, help=text) for name, (_, text) in COMMANDS.items()}
        super().__init__(**{**options, "commands": commands})


class Unloaded(TyperCommand):
    """A command that is imported when its arguments are read."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Return the context of the command that this stands for."""
        return load(str(self.name)).make_context(*arguments, **options)


def load(name: str) -> Any:
    """Import a command; return it as Typer runs it."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)

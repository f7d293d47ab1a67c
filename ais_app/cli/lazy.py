"""Groups of commands whose modules are imported when they are called, not when help lists them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


def lazy_group(commands: Mapping[str, str], prefix: str) -> type[TyperGroup]:
    """Return a group of commands.

    Parameters
    ----------
    commands
        Name of each and what it does, in the order of the work. The module ``ais_app.cli.<prefix><name>`` holds it.
    prefix
        What the names of the modules begin with.
    """

    class LazyGroup(TyperGroup):
        _listing = False

        def list_commands(self, ctx: Any) -> list[str]:
            """Return the names in the order of the work, not of the alphabet."""
            return list(commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            """Return the command; while help is listing, only its name and summary."""
            if cmd_name not in commands:
                return None
            if self._listing:
                return TyperCommand(cmd_name, help=commands[cmd_name], callback=lambda: None)
            module = importlib.import_module(f"ais_app.cli.{prefix}{cmd_name.replace('-', '_')}")
            command = typer.main.get_command(module.app)
            command.name = cmd_name
            return command

        def format_help(self, ctx: Any, formatter: Any) -> None:
            """List the commands without importing them."""
            self._listing = True
            try:
                super().format_help(ctx, formatter)
            finally:
                self._listing = False

    return LazyGroup

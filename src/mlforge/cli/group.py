"""The group of all verbs: a verb is imported when it is run or its own help is asked for, and not before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from mlforge.cli.verbs import CHAPTERS, PARTS, VERBS
from mlforge.errors import MissingRequirement, RecipeError, nearest
from mlforge.plugins import Provided

__all__ = ["Parts", "Verbs"]

_INDENT = 2


class Verbs(click.Group):
    """mlforge's verbs, then the commands of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return [*VERBS, *_added()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; None when there is none of that name."""
        if cmd_name in VERBS:
            command = import_module(f"mlforge.cli.{cmd_name}").command
            assert isinstance(command, click.Command)
            return command
        added = _added()
        return _load(added[cmd_name]) if cmd_name in added else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the arguments begin with; an unknown one is answered with the near name."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            hint = nearest(args[0], self.list_commands(ctx)) or "Try: mlforge --help"
            raise click.UsageError(f"no such command: {args[0]}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs by chapter, without importing any."""
        chapters: dict[str, Mapping[str, str]] = {**CHAPTERS}
        if added := _added():
            chapters["From plugins"] = {name: f"{one.plugin} {one.version}" for name, one in added.items()}
        width = max(len(name) for verbs in chapters.values() for name in verbs)
        for chapter, verbs in chapters.items():
            with formatter.section(chapter):
                formatter.write_dl([(name.ljust(width), line) for name, line in verbs.items()], col_max=width + _INDENT)


class Parts(click.Group):
    """The commands within a verb, each in a module of its own; without one, the verb does its own work, or gives its help where it has none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Nothing said is no mistake."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return list(self._lines())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        if cmd_name not in self._lines():
            return None
        command = getattr(import_module(f"mlforge.cli.{self.name}_{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with; an unknown one is answered with the near name."""
        if args and args[0] not in self._lines():
            raise click.UsageError(f"{self.name} has no command {args[0]}. {nearest(args[0], self._lines()) or 'It has ' + ', '.join(self._lines())}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Their names and lines, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lines().items()))

    def _lines(self) -> Mapping[str, str]:
        return PARTS[str(self.name)]


def _added() -> Mapping[str, Provided]:
    """The commands of plugins. mlforge's own verbs come first: a plugin cannot replace one."""
    from mlforge.cli.workplace import Workplace

    try:
        commands = Workplace.here().catalog.options("commands")
    except RecipeError:  # wrong settings of the project: help is still given, and the verbs that need the project will say so
        return {}
    return {name: one for name, one in commands.items() if name not in VERBS}


def _load(one: Provided) -> click.Command:
    from mlforge.cli.workplace import Workplace

    found = Workplace.here().catalog.resolve(one)
    if not isinstance(found, click.Command):
        raise MissingRequirement(
            f"{one.option}: {one.reference} of plugin {one.plugin} {one.version} is a {type(found).__name__}; a click.Command was expected",
            hint=f"Tell the authors of {one.plugin}.",
        )
    return found

"""The configuration file: the defaults of the options, in TOML.

Options win over the environment, that over this file, and this file over what is built in: the order in which the
command line's default map is asked.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.home import with_home

__all__ = ["load_settings", "path_setting"]


def load_settings(context: typer.Context, path: Path, *, required: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the program itself, and the default map of its commands.

    Keys have the names of the options. Those outside of tables are for all commands that have such an option, tables
    for one command, or for all of a group: `[token.list]`, `[token]`. The narrower one wins.

    Raises CommandError when the file cannot be read, or names something that is no option, or no value of it.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise CommandError(f"there is no configuration file {path}", ExitCode.USAGE) from None
        return {}, {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"cannot read the configuration file {path}: {error}", ExitCode.USAGE) from error
    group = context.command
    assert isinstance(group, TyperGroup)  # noqa: S101 - the callback of the group is what calls
    return _Reading(context, path).read(group, settings)


class _Reading:
    def __init__(self, context: typer.Context, path: Path) -> None:
        self._context = context
        self._path = path

    def read(self, group: TyperGroup, settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """See load_settings."""
        own: dict[str, Any] = {}
        own_options = _options(group)
        others = {}
        for key, value in settings.items():
            if key == "config":
                raise self._wrong(key, " cannot be set in the file that it names")
            if key in own_options:
                own[str(own_options[key].name)] = self._checked(own_options[key], key, value)
            else:
                others[key] = value
        defaults: dict[str, Any] = {}
        self._read_group(group, others, defaults, "")
        return own, defaults

    def _read_group(self, group: TyperGroup, settings: dict[str, Any], defaults: dict[str, Any], prefix: str) -> None:
        """Sets what the settings say, where nothing narrower has set it."""
        # Tables first: what they say is not overwritten by the keys beside them.
        for key, value in sorted(settings.items(), key=lambda item: not isinstance(item[1], dict)):
            name = f"{prefix}{key}"
            member = group.commands.get(key)
            if isinstance(member, TyperGroup) and isinstance(value, dict):
                self._read_group(member, value, defaults.setdefault(key, {}), f"{name}.")
            elif isinstance(member, TyperCommand) and isinstance(value, dict):
                self._read_command(member, value, defaults.setdefault(key, {}), name)
            elif member is not None:
                kind = "group of commands" if isinstance(member, TyperGroup) else "command"
                raise self._wrong(name, f" is a {kind}, whose options are a table: [{name}]")
            elif isinstance(value, dict) or not self._set_for_all(group.commands, key, value, defaults, name):
                raise self._wrong(name, " is no option and no command; see `sessiond --help`")

    def _read_command(
        self, command: TyperCommand, settings: dict[str, Any], defaults: dict[str, Any], name: str
    ) -> None:
        options = _options(command)
        for key, value in settings.items():
            if key not in options:
                known = ", ".join(sorted(options))
                raise self._wrong(f"{name}.{key}", f" is no option; the command has {known}")
            defaults[str(options[key].name)] = self._checked(options[key], f"{name}.{key}", value)

    def _set_for_all(
        self, commands: Mapping[str, Any], key: str, value: object, defaults: dict[str, Any], name: str
    ) -> bool:
        """Whether any of the commands, or of those below them, has the option."""
        is_known = False
        for place, command in commands.items():
            below = defaults.setdefault(place, {})
            if isinstance(command, TyperGroup):
                is_known |= self._set_for_all(command.commands, key, value, below, name)
            elif (option := _options(command).get(key)) is not None:
                is_known = True
                below.setdefault(option.name, self._checked(option, name, value))
        return is_known

    def _checked(self, option: TyperOption, name: str, value: object) -> object:
        """The value, as the file has it. Raises CommandError when the option does not take it."""
        if option.multiple and not isinstance(value, list):
            raise self._wrong(name, " must be a list")
        if not option.multiple and isinstance(value, list | dict):
            raise self._wrong(name, " must be one value")
        try:
            option.process_value(self._context, value)
        except typer.BadParameter as error:
            raise self._wrong(name, f": {error.message}") from error
        return value

    def _wrong(self, name: str, what: str) -> CommandError:
        return CommandError(f"{self._path}: {name!r}{what}", ExitCode.USAGE)


def _options(command: TyperGroup | TyperCommand) -> dict[str, TyperOption]:
    """The options of a command, by their long names."""
    return {
        name.removeprefix("--"): parameter
        for parameter in command.params
        if isinstance(parameter, TyperOption) and parameter.expose_value and not parameter.is_eager
        for name in parameter.opts
        if name.startswith("--")
    }


def path_setting(own: dict[str, Any], name: str) -> Path | None:
    """A path among the options of the program itself."""
    value = own.get(name)
    return None if value is None else with_home(Path(str(value)))

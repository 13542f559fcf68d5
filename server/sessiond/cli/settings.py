"""The configuration file: the defaults of the options, in TOML.

Options win over the environment, that over this file, and this file over what is built in: the order in which the
command line's default map is asked.
"""

import tomllib
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from sessiond.cli.exits import CommandError, ExitCode

__all__ = ["load_settings", "path_setting"]


def load_settings(context: typer.Context, path: Path, *, required: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the program itself, and the default map of its commands.

    Keys of their own are for all commands that have such an option, tables for one command, as in `[token.list]`.

    Raises CommandError when the file cannot be read, or names something that is no option.
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
    commands = _commands(group)
    own: dict[str, Any] = {}
    own_options = _options(group)
    defaults: dict[str, dict[str, Any]] = {name: {} for name in commands}
    for key, value in _flat(settings, commands).items():
        if _parameter(key) in own_options:
            own[_parameter(key)] = value
            continue
        if isinstance(value, dict) and key in commands:
            for option, chosen in value.items():
                _set(defaults[key], commands[key], option, chosen, f"{key}.{option}", path)
            continue
        takers = [name for name, options in commands.items() if _parameter(key) in options]
        if not takers:
            raise CommandError(f"{path}: {key!r} is no option and no command; see `sessiond --help`", ExitCode.USAGE)
        for name in takers:
            defaults[name].setdefault(_parameter(key), value)
    return own, _nested(defaults)


def _commands(group: TyperGroup) -> dict[str, dict[str, bool]]:
    """The options of all commands, by names such as `tail` and `token.list`."""
    found = {}
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            found.update({f"{name}.{inner}": options for inner, options in _commands(command).items()})
        else:
            found[name] = _options(command)
    return found


def _flat(settings: dict[str, Any], commands: dict[str, dict[str, bool]]) -> dict[str, Any]:
    """The settings, in which a table in a table stands as `token.list`."""
    flat = {}
    for key, value in settings.items():
        inner = value.items() if isinstance(value, dict) else ()
        below = {f"{key}.{name}": entry for name, entry in inner if f"{key}.{name}" in commands}
        flat.update(below or {key: value})
    return flat


def _nested(defaults: dict[str, dict[str, Any]]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, values in defaults.items():
        place = nested
        for part in name.split("."):
            place = place.setdefault(part, {})
        place.update(values)
    return nested


def _set(target: dict[str, Any], options: dict[str, bool], option: str, value: object, name: str, path: Path) -> None:
    parameter = _parameter(option)
    if parameter not in options:
        known = ", ".join(sorted(key.replace("_", "-") for key in options))
        raise CommandError(f"{path}: {name!r} is no option; the command has {known}", ExitCode.USAGE)
    if options[parameter] and not isinstance(value, list):
        raise CommandError(f"{path}: {name!r} must be a list", ExitCode.USAGE)
    target[parameter] = value


def _options(command: Any) -> dict[str, bool]:
    """The options of a command by the names of their parameters, and whether each takes several values."""
    return {
        parameter.name: parameter.multiple
        for parameter in command.params
        if isinstance(parameter, TyperOption) and parameter.name not in (None, "help")
    }


def path_setting(own: dict[str, Any], name: str) -> Path | None:
    """A path among the options of the program itself."""
    value = own.get(name)
    return None if value is None else Path(str(value)).expanduser()


def _parameter(key: str) -> str:
    return key.replace("-", "_")

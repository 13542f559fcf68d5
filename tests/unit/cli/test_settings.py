"""The configuration file: what each key sets, and what is said of those that set nothing."""

from pathlib import Path
from typing import Any

import pytest
import typer

from sessiond.cli.app import app
from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.settings import load_settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "config.toml"


def load(path: Path, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    path.write_text(text)
    group = typer.main.get_command(app)
    return load_settings(typer.Context(group), path, required=True)


def test_keys_have_the_names_of_the_options(path: Path) -> None:
    """As `--help` has them, whatever a parameter is called inside."""
    own, defaults = load(path, 'token-file = "/t"\njson = true\n[tail]\nfrom = "now"\ntype = ["x"]\n')
    assert {"token_file": "/t"} == own
    assert {"start": "now", "types": ["x"], "as_json": True} == defaults["tail"]
    assert {"as_json": True} == defaults["sessions"]


def test_a_table_of_several_commands_is_for_each_that_has_the_option(path: Path) -> None:
    """And that of one of them goes before it, as it does before what stands outside of tables."""
    text = 'data-dir = "/all"\n[token]\ndata-dir = "/tokens"\n[token.list]\ndata-dir = "/listed"\n'
    _, defaults = load(path, text)
    found = {name: values["data_dir"] for name, values in defaults["token"].items()}
    assert {"create": "/tokens", "list": "/listed", "rotate": "/tokens", "revoke": "/tokens"} == found
    assert {"data_dir": "/all"} == defaults["serve"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bogus = 1", "'bogus' is no option and no command"),
        ("[bogus]\nx = 1", "'bogus' is no option and no command"),
        ("[serve]\nlissten = []", "'serve.lissten' is no option; the command has allow-origin, "),
        ("[token]\nbogus = 1\n[token.list]\njson = true", "'token.bogus' is no option and no command"),
        ("[token.bogus]\nx = 1", "'token.bogus' is no option and no command"),
        ("serve = 5", "'serve' is a command, whose options are a table: [serve]"),
        ("token = 5", "'token' is a group of commands, whose options are a table: [token]"),
        ('listen = "unix:/x"', "'listen' must be a list"),
        ('[serve]\nlisten = "unix:/x"', "'serve.listen' must be a list"),
        ('token-file = ["a"]', "'token-file' must be one value"),
        ('[serve]\ndata-dir = ["a"]', "'serve.data-dir' must be one value"),
        ("[serve]\nmax-sessions = -1", "'serve.max-sessions': "),
        ('[serve]\ndurability = "some"', "'serve.durability': "),
        ("grace-seconds = -5", "'grace-seconds': "),
        ('config = "/other"', "'config' cannot be set in the file that it names"),
    ],
)
def test_what_sets_nothing_is_told_with_its_file_and_key(path: Path, text: str, told: str) -> None:
    """And what to do instead, where that is known."""
    with pytest.raises(CommandError) as caught:
        load(path, text)
    assert f"{path}: {told}" in str(caught.value)
    assert ExitCode.USAGE == caught.value.code

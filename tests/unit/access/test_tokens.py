"""The tokens of a daemon: how they are kept, and that changes count at once."""

import errno
import json
import stat
from pathlib import Path

import pytest

from sessiond.access.rights import Right
from sessiond.access.token_authority import TokenAuthority
from sessiond.access.tokens import TokenError, TokenFile


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path)


def test_the_first_start_makes_a_token_with_all_rights_for_its_user_alone(file: TokenFile, tmp_path: Path) -> None:
    """Its secret is in a file of mode 0600, and the list of tokens holds only the digest."""
    file.ensure()
    (token,) = file.read()
    secret = (tmp_path / "token").read_text().strip()
    assert ("default", Right.ADMIN) == (token.name, token.right)
    assert {0o600} == {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("token", "tokens.json")}
    assert secret not in file.path.read_text()
    assert token == TokenAuthority(file).find(secret)


def test_a_second_start_keeps_the_tokens(file: TokenFile, tmp_path: Path) -> None:
    """Also when the default one was taken away on purpose."""
    file.ensure()
    file.create("other", Right.READ)
    file.revoke("default")
    file.ensure()
    assert ["other"] == [token.name for token in file.read()]
    assert not (tmp_path / "token").exists()


def test_each_secret_is_another_one(file: TokenFile) -> None:
    """And long enough that nobody finds it by trying."""
    secrets = {file.create(f"t{index}", Right.READ) for index in range(20)}
    assert 20 == len(secrets)
    assert all(secret.startswith("sst_") and len(secret) >= 47 for secret in secrets)


def test_a_rotated_token_is_worth_nothing_from_then_on(file: TokenFile) -> None:
    """An authority that was there before notices, and the new secret has the right of the old one."""
    old = file.create("agent", Right.WRITE)
    authority = TokenAuthority(file)
    generation = authority.generation
    new = file.rotate("agent")
    assert None is authority.find(old)
    found = authority.find(new)
    assert found is not None
    assert ("agent", Right.WRITE) == (found.name, found.right)
    assert generation != authority.generation


def test_a_revoked_token_is_worth_nothing_from_then_on(file: TokenFile) -> None:
    """Other tokens stay."""
    gone, kept = file.create("gone", Right.READ), file.create("kept", Right.READ)
    authority = TokenAuthority(file)
    file.revoke("gone")
    assert (None, "kept") == (authority.find(gone), getattr(authority.find(kept), "name", None))


def test_a_file_that_was_damaged_by_hand_locks_nobody_out(file: TokenFile, caplog: pytest.LogCaptureFixture) -> None:
    """The tokens stay as they were, the log says so, and a mended file counts again."""
    secret = file.create("agent", Right.READ)
    good = file.path.read_bytes()
    authority = TokenAuthority(file)
    file.path.write_bytes(b"{")
    assert authority.find(secret) is not None
    assert "stay as they were" in caplog.text
    file.path.write_bytes(good.replace(b'"read"', b'"admin"'))
    found = authority.find(secret)
    assert found is not None
    assert Right.ADMIN == found.right


def test_a_revocation_counts_as_soon_as_it_can_be_read(
    file: TokenFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A daemon that has no descriptor for the file at that moment does not forget to look; it tells once."""
    secret = file.create("agent", Right.READ)
    authority = TokenAuthority(file)
    file.revoke("agent")

    def no_descriptor(_: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", no_descriptor)
        assert ["agent", "agent"] == [getattr(authority.find(secret), "name", None) for _ in range(2)]
    assert 1 == caplog.text.count("Too many open files")
    assert None is authority.find(secret)


def test_without_the_file_nobody_is_known(file: TokenFile) -> None:
    """Taking the file away is the way to lock everybody out."""
    secret = file.create("agent", Right.READ)
    authority = TokenAuthority(file)
    file.path.unlink()
    assert None is authority.find(secret)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": 2, "tokens": []}',
        b'{"format": 1, "tokens": [{}]}',
        json.dumps(
            {"format": 1, "tokens": [{"name": "a", "right": "all", "sha256": "0" * 64, "created_at": "2026-01-01"}]}
        ).encode(),
        json.dumps(
            {"format": 1, "tokens": [{"name": "a", "right": "read", "sha256": "", "created_at": "2026-01-01"}]}
        ).encode(),
        b"\xff",
    ],
)
def test_a_damaged_file_is_refused_at_the_start(file: TokenFile, content: bytes) -> None:
    """A daemon that does not know who may call does not start."""
    file.path.write_bytes(content)
    with pytest.raises(TokenError, match="damaged"):
        TokenAuthority(file)
    assert content == file.path.read_bytes()


@pytest.mark.parametrize("name", ["", "-x", ".x", "a b", "ä", "a/b", "x" * 65])
def test_names_are_plain(file: TokenFile, name: str) -> None:
    """The message says which letters there are, and nothing is written."""
    with pytest.raises(TokenError, match="1 to 64 letters"):
        file.create(name, Right.READ)
    assert not file.path.exists()


def test_what_is_not_there_cannot_be_changed(file: TokenFile) -> None:
    """The message names what there is; a name that is taken is not taken over."""
    file.create("a", Right.READ)
    before = file.path.read_bytes()
    for change in (file.rotate, file.revoke):
        with pytest.raises(TokenError, match="there are: a"):
            change("b")
    with pytest.raises(TokenError, match="already"):
        file.create("a", Right.ADMIN)
    assert before == file.path.read_bytes()

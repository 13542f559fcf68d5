"""Who is let in, and with which right."""

from collections.abc import Iterable

import pytest

from sessiond.access.policy import FORWARDED_KEY, AccessPolicy, Call, Caller
from sessiond.access.refusals import PermissionDeniedError, UnauthenticatedError
from sessiond.access.rights import Right, required_right
from sessiond.access.token_authority import TokenAuthority
from sessiond.access.tokens import TokenFile
from sessionstore.v1 import admin_service_pb2, session_store_service_pb2

SOCKET, PORT = "unix:", "ipv4:127.0.0.1:5"
READING = {
    "GetSession",
    "ListSessions",
    "GetMessages",
    "ListMessages",
    "GetPendingToolCalls",
    "GetEvents",
    "TailEvents",
    "GetServerInfo",
}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> tuple[TokenAuthority, str]:
    file = TokenFile(tmp_path_factory.mktemp("tokens"))
    secret = file.create("agent", Right.WRITE)
    return TokenAuthority(file), secret


def call(
    peer: str,
    *authorizations: str | bytes,
    subject: bytes | None = None,
    method: str = "/a/B",
    more: Iterable[tuple[str, str]] = (),
) -> Call:
    transport = {} if subject is None else {"x509_subject": [subject], "x509_common_name": [b"laptop"]}
    return Call(method, peer, [*more, *(("authorization", value) for value in authorizations)], lambda: transport)


def test_the_folder_of_the_socket_vouches_for_its_user(tokens: tuple[TokenAuthority, str]) -> None:
    """Without a token, with all rights; a token that is shown counts instead."""
    policy = AccessPolicy(tokens=tokens[0])
    assert Right.ADMIN == policy.caller(call(SOCKET)).right
    assert Caller("token agent", Right.WRITE) == policy.caller(call(SOCKET, f"Bearer {tokens[1]}"))
    with pytest.raises(UnauthenticatedError):
        policy.caller(call(SOCKET, "Bearer sst_other"))


def test_the_socket_asks_for_a_token_where_that_is_wanted(tokens: tuple[TokenAuthority, str]) -> None:
    """With --require-token."""
    policy = AccessPolicy(tokens=tokens[0], token_on_socket=True)
    with pytest.raises(UnauthenticatedError, match="no credentials"):
        policy.caller(call(SOCKET))
    assert Right.WRITE == policy.caller(call(SOCKET, f"Bearer {tokens[1]}")).right


def test_a_call_that_was_passed_on_is_not_the_sockets_user(tokens: tuple[TokenAuthority, str]) -> None:
    """Whatever passes calls on through the socket lends nobody its own rights."""
    policy = AccessPolicy(tokens=tokens[0])
    forwarded = ((FORWARDED_KEY, "1"),)
    with pytest.raises(UnauthenticatedError):
        policy.caller(call(SOCKET, more=forwarded))
    with pytest.raises(UnauthenticatedError):
        policy.caller(call(SOCKET, more=forwarded, subject=b"OU=sessiond:admin,CN=x"))
    assert Right.WRITE == policy.caller(call(SOCKET, f"Bearer {tokens[1]}", more=forwarded)).right


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_a_port_asks_for_a_token(tokens: tuple[TokenAuthority, str], form: str) -> None:
    """In the form that HTTP has for it."""
    policy = AccessPolicy(tokens=tokens[0])
    assert Caller("token agent", Right.WRITE) == policy.caller(call(PORT, form.format(tokens[1])))
    assert Caller("token agent", Right.WRITE) == policy.caller(call(PORT, form.format(tokens[1]).encode()))


@pytest.mark.parametrize(
    "presented",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Basic YTpi",),
        ("{}",),
        ("Bearer {}x",),
        ("Bearer {} {}",),
        ("Bearer \xe4",),
    ],
)
def test_everything_else_is_refused_and_not_repeated(
    tokens: tuple[TokenAuthority, str], presented: tuple[str, ...]
) -> None:
    """The refusal never holds what was presented."""
    shown = [text.replace("{}", tokens[1]) for text in presented]
    with pytest.raises(UnauthenticatedError) as caught:
        AccessPolicy(tokens=tokens[0]).caller(call(PORT, *shown))
    assert tokens[1] not in str(caught.value)


def test_two_authorizations_are_none(tokens: tuple[TokenAuthority, str]) -> None:
    """What stands between could have looked at the other one."""
    with pytest.raises(UnauthenticatedError, match="more than one"):
        AccessPolicy(tokens=tokens[0]).caller(call(PORT, f"Bearer {tokens[1]}", f"Bearer {tokens[1]}"))


@pytest.mark.parametrize(
    ("subject", "right"),
    [
        (b"OU=sessiond:write,CN=laptop", Right.WRITE),
        (b"CN=laptop,OU=sessiond:admin", Right.ADMIN),
        (b"CN=laptop", Right.READ),
        (b"OU=sessiond:all,CN=laptop", Right.READ),
        (b"OU=people,CN=laptop", Right.READ),
        (b"CN=laptop\\,OU=sessiond:admin", Right.READ),
        (b"CN=laptop OU=sessiond:admin", Right.READ),
        (b"CN=laptop\\\\,OU=sessiond:write", Right.WRITE),
        (b"CN=laptop\\\\\\,OU=sessiond:admin", Right.READ),
        (b"OU=sessiond:write+CN=laptop", Right.WRITE),
        (b"OU=x\\+OU=sessiond:admin,CN=laptop", Right.READ),
    ],
)
def test_a_certificate_carries_its_right(subject: bytes, right: Right) -> None:
    """One that names none has what the daemon was told; a name that looks like a right is a name."""
    assert Caller("certificate laptop", right) == AccessPolicy().caller(call(PORT, subject=subject))


def test_a_certificate_alone_does_not_do_where_both_are_wanted(tokens: tuple[TokenAuthority, str]) -> None:
    """The token then tells the right."""
    policy = AccessPolicy(tokens=tokens[0], token_with_certificate=True)
    with pytest.raises(UnauthenticatedError):
        policy.caller(call(PORT, subject=b"OU=sessiond:admin,CN=laptop"))
    both = call(PORT, f"Bearer {tokens[1]}", subject=b"OU=sessiond:admin,CN=laptop")
    assert Right.WRITE == policy.caller(both).right


def test_insecure_lets_everybody_in_at_a_port() -> None:
    """With or without something that looks like a token."""
    policy = AccessPolicy(insecure=True)
    assert {Right.ADMIN} == {policy.caller(one).right for one in (call(PORT), call(PORT, "Bearer x"))}


def test_without_credentials_a_client_is_a_host() -> None:
    """With them, it is who they are of."""
    policy = AccessPolicy(insecure=True)
    places = ["ipv4:127.0.0.1:40000", "ipv4:127.0.0.1:40001", "ipv4:127.0.0.2:40000", "ipv6:%5B::1%5D:40000"]
    first, again, second, third = (policy.caller(call(place)).client for place in places)
    assert first == again
    assert 3 == len({first, second, third})


def test_a_token_is_one_client_wherever_it_is_used(tokens: tuple[TokenAuthority, str]) -> None:
    """So that what is counted for a client is not multiplied by its addresses."""
    policy = AccessPolicy(tokens=tokens[0])
    clients = {policy.caller(call(place, f"Bearer {tokens[1]}")).client for place in (PORT, SOCKET, "ipv4:127.0.0.2:1")}
    assert 1 == len(clients)


def test_only_the_health_is_open_and_only_by_choice(tokens: tuple[TokenAuthority, str]) -> None:
    """Whatever else is asked for needs credentials."""
    health = call(PORT, method="/grpc.health.v1.Health/Check")
    with pytest.raises(UnauthenticatedError):
        AccessPolicy(tokens=tokens[0]).caller(health)
    policy = AccessPolicy(tokens=tokens[0], open_health=True)
    assert Right.READ == policy.caller(health).right
    with pytest.raises(UnauthenticatedError):
        policy.caller(call(PORT, method="/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"))


def test_each_call_needs_the_right_that_fits_it() -> None:
    """Reads need to read, other calls of the store to write, and the archive to administer."""
    store = session_store_service_pb2.DESCRIPTOR.services_by_name["SessionStoreService"]
    admin = admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"]
    for service, otherwise in ((store, Right.WRITE), (admin, Right.ADMIN)):
        for method in service.methods:
            expected = Right.READ if method.name in READING else otherwise
            assert expected == required_right(f"/{service.full_name}/{method.name}"), method.name


def test_a_refusal_for_want_of_a_right_names_both() -> None:
    """In words, and for machines."""
    with pytest.raises(PermissionDeniedError, match="needs the right write, and these credentials give read") as caught:
        Caller("x", Right.READ).require(Right.WRITE, "AppendEvent")
    assert {"required_right": "write", "granted_right": "read"} == caught.value.metadata

"""How deeply requests may nest, small and large ones alike."""

from typing import Any

import pytest
from google.protobuf.message import DecodeError

from sessiond.interceptors.nesting import HARMLESS_GROUPS, SPARE_LEVELS, nested_decoder
from sessionstore.v1 import admin_service_pb2, session_store_service_pb2
from sessionstore.v1 import session_store_service_pb2 as pb

LEVELS = 100
"""How deeply messages may nest, by the default of every decoder."""

START, END = b"\x83\x7d", b"\x84\x7d"  # a group of the field 2000, which no message has
LONG = b"\x8a\x7d\x80\x20" + bytes(4096)  # the field 2001, with so many bytes that a request is no longer small
TYPES = {
    method.input_type.name: getattr(module, method.input_type.name)
    for module in (admin_service_pb2, session_store_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def levels(descriptor: Any, *outer: Any) -> int:
    """How deeply the fields that we know nest."""
    assert descriptor not in outer, "a message that holds its own type nests without a bound"
    inside = [field.message_type for field in descriptor.fields if field.message_type is not None]
    return 1 + max((levels(each, descriptor, *outer) for each in inside), default=0)


def is_accepted(name: str, data: bytes) -> bool:
    try:
        assert nested_decoder(TYPES[name])(data) is not None
    except DecodeError:
        return False
    return True


@pytest.mark.parametrize("name", TYPES)
def test_what_is_taken_for_harmless_stays_below_the_bound(name: str) -> None:
    """In an answer too, where it lies deeper."""
    assert levels(TYPES[name].DESCRIPTOR) + HARMLESS_GROUPS + SPARE_LEVELS < LEVELS


def test_small_requests_may_nest_as_deeply_as_large_ones() -> None:
    """A small one is looked at in another way."""
    accepted = []
    for depth in range(HARMLESS_GROUPS - 4, LEVELS + 4):
        groups = START * depth + END * depth
        small = is_accepted("AppendEventRequest", groups)
        assert small == is_accepted("AppendEventRequest", groups + LONG)
        accepted.append(small)
    assert accepted == sorted(accepted, reverse=True)
    assert {True, False} == set(accepted)


def test_text_that_looks_like_groups_is_none() -> None:
    """Many letters could begin a group where a tag stands."""
    request = pb.AppendEventRequest(session_id="s" * 256, event_id="k" * 256)
    assert request == nested_decoder(pb.AppendEventRequest)(request.SerializeToString())

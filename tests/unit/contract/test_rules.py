"""The rules as data, driven to both sides against what the server checks."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract import limits as constants
from sessiond.contract.fields import FIELD_RULES, REQUIRED_FIELDS
from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_commit, check_request
from sessiond.contract.rules import _OF_REQUESTS, rules
from sessiond.store.errors import InvalidFieldError, TooLargeError
from sessionstore.v1 import admin_service_pb2, session_store_service_pb2

ROOT = Path(__file__).resolve().parents[3]
RULES: dict[str, Any] = json.loads((ROOT / "docs" / "api" / "rules.json").read_text(encoding="utf-8"))["messages"]
SERVICES: tuple[Any, ...] = (
    *session_store_service_pb2.DESCRIPTOR.services_by_name.values(),
    *admin_service_pb2.DESCRIPTOR.services_by_name.values(),
)
REQUESTS = [method.input_type for service in SERVICES for method in service.methods]

Path_ = list[Any]
Probe = tuple[str, bool, Callable[[Any, str], None]]
"""What is tried, whether it is acceptable, and what puts it into the message that holds the field."""


def facts_of(message: Any, field: str) -> dict[str, Any]:
    found: dict[str, Any] = RULES.get(message.DESCRIPTOR.name, {}).get("fields", {}).get(field, {})
    return found


def is_map(field: Any) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def fill(message: Any) -> None:
    """Makes a message acceptable, by nothing but the rules as data."""
    rule = RULES.get(message.DESCRIPTOR.name, {"fields": {}, "required_oneofs": []})
    for oneof in rule["required_oneofs"]:
        if message.WhichOneof(oneof) is None:
            choose(message, message.DESCRIPTOR.oneofs_by_name[oneof].fields[0])
    for field in message.DESCRIPTOR.fields:
        facts = rule["fields"].get(field.name, {})
        if facts.get("required") and not message.HasField(field.name):
            choose(message, field)
        if facts.get("min_items") and not getattr(message, field.name):
            fill(getattr(message, field.name).add())
        if field.has_presence and not message.HasField(field.name):
            continue
        if facts.get("min_bytes") and not getattr(message, field.name):
            setattr(message, field.name, "x")
        if facts.get("minimum") and not getattr(message, field.name):
            setattr(message, field.name, facts["minimum"])


def choose(message: Any, field: Any) -> None:
    """Sets a field to something acceptable."""
    if field.message_type is not None:
        getattr(message, field.name).SetInParent()
        fill(getattr(message, field.name))
    elif "only" in (facts := facts_of(message, field.name)):
        setattr(message, field.name, facts["only"][0])
    else:
        setattr(message, field.name, "x" if field.type == field.TYPE_STRING else type(getattr(message, field.name))())
        fill(message)


def paths() -> dict[str, tuple[Any, Path_]]:
    """For each message of the rules: a request that holds it, and the fields on the way."""
    found: dict[str, tuple[Any, Path_]] = {}
    waiting: list[tuple[Any, Any, Path_]] = [(request, request, []) for request in REQUESTS]
    while waiting:
        request, message, path = waiting.pop(0)
        if message.name in found:
            continue
        found[message.name] = request, path
        for field in message.fields:
            if field.message_type is None or not field.message_type.full_name.startswith("sessionstore."):
                continue
            if is_map(field):
                value = field.message_type.fields_by_name["value"].message_type
                if value is not None:
                    waiting.append((request, value, [*path, field]))
            else:
                waiting.append((request, field.message_type, [*path, field]))
    return found


PATHS = paths()


def build(name: str) -> tuple[Any, Any, str]:
    """An acceptable request that holds a message, the message, and the path to it."""
    descriptor, path = PATHS[name]
    request: Any = GetMessageClass(descriptor)()
    inner, written = request, ""
    for field in path:
        if is_map(field):
            inner, step = getattr(inner, field.name)["k"], f"{field.name}['k']"
        elif field.is_repeated:
            inner, step = getattr(inner, field.name).add(), f"{field.name}[0]"
        else:
            getattr(inner, field.name).SetInParent()
            inner, step = getattr(inner, field.name), field.name
        written = f"{written}.{step}" if written else step
    fill_all(request)
    return request, inner, written


def fill_all(message: Any) -> None:
    """Makes a message and all that is in it acceptable."""
    fill(message)
    for field, value in message.ListFields():
        if field.message_type is None or not field.message_type.full_name.startswith("sessionstore."):
            continue
        if is_map(field):
            if field.message_type.fields_by_name["value"].message_type is not None:
                for item in value.values():
                    fill_all(item)
        else:
            for item in value if field.is_repeated else [value]:
                fill_all(item)


def put(value: Any) -> Callable[[Any, str], None]:
    def into(message: Any, field: str) -> None:
        setattr(message, field, value)

    return into


def put_all(*values: Any) -> Callable[[Any, str], None]:
    def into(message: Any, field: str) -> None:
        del getattr(message, field)[:]
        getattr(message, field).extend(values)

    return into


def put_pairs(pairs: dict[str, str]) -> Callable[[Any, str], None]:
    def into(message: Any, field: str) -> None:
        getattr(message, field).clear()
        getattr(message, field).update(pairs)

    return into


def put_time(time: Timestamp) -> Callable[[Any, str], None]:
    def into(message: Any, field: str) -> None:
        getattr(message, field).CopyFrom(time)

    return into


def put_size(size_bytes: int) -> Callable[[Any, str], None]:
    """Fills the field up to an encoded size, with a field that no version knows."""

    def into(message: Any, field: str) -> None:
        item = getattr(message, field)
        item.SetInParent()
        fill_all(item)
        left = size_bytes - item.ByteSize()
        item.MergeFromString(unknown(left))
        assert size_bytes == item.ByteSize()

    return into


def unknown(size_bytes: int) -> bytes:
    """A field of an unknown number, with a length of four bytes, that has a size in all."""
    length = size_bytes - 7
    varint = bytes((length >> shift & 127) | (128 if shift < 21 else 0) for shift in (0, 7, 14, 21))
    return b"\xd2\xff\x7f" + varint + bytes(length)


def put_copies(count: int) -> Callable[[Any, str], None]:
    def into(message: Any, field: str) -> None:
        items = getattr(message, field)
        first = type(items[0])()
        first.CopyFrom(items[0])
        del items[:]
        items.extend([first] * count)

    return into


def clear(message: Any, field: str) -> None:
    message.ClearField(field)


def text_probes(facts: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    yield "shortest", True, "x" * facts.get("min_bytes", 0)
    if facts.get("min_bytes"):
        yield "empty", False, ""
    if "max_bytes" in facts:
        yield "longest", True, "é" * (facts["max_bytes"] // 2)
        yield "too long", False, "é" * (facts["max_bytes"] // 2) + "x"
    if facts.get("control_characters") is False:
        yield "control character", False, "a\x9f"
    if facts.get("json"):
        yield "JSON", True, '{"a": [1]}'
        yield "no JSON", False, "{oops}"


def probes(field: Any, facts: dict[str, Any]) -> Iterator[Probe]:
    """What a rule says, at both sides of each of its facts."""
    if facts.get("required"):
        yield "absent", False, clear
    if "min_items" in facts:
        yield "no items", False, clear
    if field.type == field.TYPE_STRING and not field.is_repeated:
        for what, good, text in text_probes(facts):
            yield what, good, put(text)
    if "minimum" in facts:
        yield "smallest", True, put(facts["minimum"])
        if field.cpp_type not in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64) or facts["minimum"] > 0:
            yield "too small", False, put(facts["minimum"] - 1)
    if "maximum" in facts:
        yield "largest", True, put(facts["maximum"])
        yield "too large", False, put(facts["maximum"] + 1)
    if "only" in facts:
        for value in facts["only"]:
            yield f"{value}", True, put(value)
        yield "other", False, put(False if facts["only"] == [True] else max(facts["only"]) + 1)
    if "earliest" in facts:
        for end, step in (("earliest", -1), ("latest", 1)):
            time = Timestamp()
            time.FromJsonString(facts[end])
            yield end, True, put_time(time)
            beyond = Timestamp(seconds=time.seconds + step, nanos=time.nanos)
            yield f"beyond {end}", False, put_time(beyond)
    if "max_encoded_bytes" in facts:
        yield "largest item", True, put_size(facts["max_encoded_bytes"])
        yield "too large item", False, put_size(facts["max_encoded_bytes"] + 1)
    if "items" in facts:
        yield from item_probes(facts)
    elif "max_items" in facts and field.is_repeated and not is_map(field):
        yield "most items", True, put_copies(facts["max_items"])
        yield "too many items", False, put_copies(facts["max_items"] + 1)
    if is_map(field) and "keys" in facts:
        yield from pair_probes(facts)
    yield from single_probes(facts)


def item_probes(facts: dict[str, Any]) -> Iterator[Probe]:
    items = facts["items"]
    for what, good, text in () if "only" in items else text_probes(items):
        yield f"{what} item", good, put_all(text)
    for known in items.get("only", ()):
        yield f"item {known}", True, put_all(known)
    if "only" in items:
        yield "other item", False, put_all("other")
    for prefix, inner in items.get("or_after_prefix", {}).items():
        for what, good, text in text_probes(inner):
            yield f"{prefix} {what}", good, put_all(prefix + text)
    if "max_items" in facts:
        some = items["only"][0]
        yield "most items", True, put_all(*[some] * facts["max_items"])
        yield "too many items", False, put_all(*[some] * (facts["max_items"] + 1))


def pair_probes(facts: dict[str, Any]) -> Iterator[Probe]:
    for what, good, text in text_probes(facts["keys"]):
        yield f"{what} key", good, put_pairs({text: "v"})
    if "max_items" in facts:
        yield "most pairs", True, put_pairs({f"k{i}": "" for i in range(facts["max_items"])})
        yield "too many pairs", False, put_pairs({f"k{i}": "" for i in range(facts["max_items"] + 1)})
    if "max_total_bytes" in facts:
        yield "most bytes", True, put_pairs({"k": "x" * (facts["max_total_bytes"] - 1)})
        yield "too many bytes", False, put_pairs({"k": "x" * facts["max_total_bytes"]})


def single_probes(facts: dict[str, Any]) -> Iterator[Probe]:
    """What only one rule says."""
    if "paths_of" in facts:

        def mask(path: str, *, configured: bool = True) -> Callable[[Any, str], None]:
            def into(message: Any, field: str) -> None:
                if configured:
                    message.config.SetInParent()
                getattr(message, field).paths.append(path)

            return into

        yield "path", True, mask("system_prompt")
        yield "no path", False, mask("oops")
        yield "nothing to mask", False, mask("system_prompt", configured=False)
    for path in facts.get("not_true", ()):

        def into(message: Any, field: str, path: str = path) -> None:
            *way, last = path.split(".")
            inner = getattr(message, field)
            for step in way:
                inner = getattr(inner, step)
            setattr(inner, last, True)
            inner.api_key = ""
            message.config.workspace.remote.agent_address = "x"

        yield "true", False, into
    for kind, most in facts.get("max_of", {}).items():

        def several(message: Any, field: str, kind: str = kind, count: int = 0) -> None:
            del getattr(message, field)[:]
            for _ in range(count):
                getattr(getattr(message, field).add(), kind).SetInParent()

        yield "most of a kind", True, lambda m, f, put=several, n=most: put(m, f, count=n)  # type: ignore[misc]
        yield "too many of a kind", False, lambda m, f, put=several, n=most: put(m, f, count=n + 1)  # type: ignore[misc]
    for name, kind in (("max_events_encoded_bytes", "append_event"), ("max_commit_encoded_bytes", "append_message")):
        if name in facts:
            yield name, True, put_large(kind, facts[name], 0)
            yield f"beyond {name}", False, put_large(kind, facts[name], 1)


def put_large(kind: str, size_bytes: int, more: int) -> Callable[[Any, str], None]:
    """Mutations that have a size together: events as such, others as the commit."""

    def into(message: Any, field: str) -> None:
        items = getattr(message, field)
        del items[:]
        for _ in range(8):
            getattr(items.add(), kind).SetInParent()
        fill_all(message)
        held = [getattr(item, kind) for item in items]
        held = [item.event for item in held] if kind == "append_event" else held
        whole: Callable[[], int] = (
            (lambda: sum(item.ByteSize() for item in held)) if kind == "append_event" else message.ByteSize
        )
        for item in held[:-1]:
            item.MergeFromString(unknown(size_bytes // 8))
        # The lengths in front of the last one grow with it.
        left = size_bytes - whole() - 16
        held[-1].MergeFromString(unknown(left))
        rest = size_bytes + more - whole()
        held[-1].Clear()
        fill_all(message)
        held[-1].MergeFromString(unknown(left + rest))
        assert size_bytes + more == whole()

    return into


def checked(request: Message) -> None:
    check_request(request, Limits())
    for commit in getattr(request, "commits", ()):
        check_commit(commit, Limits())


def refusal(request: Message) -> str:
    """The field for which a request is refused."""
    try:
        checked(request)
    except (InvalidFieldError, TooLargeError) as error:
        return error.field
    raise AssertionError("it was accepted")


FIELDS = [(name, field) for name, rule in RULES.items() for field in rule["fields"]]


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[f"{name}.{field}" for name, field in FIELDS])
def test_each_fact_is_what_the_server_checks(name: str, field: str) -> None:
    """What lies within is accepted, what lies just beyond is refused, naming that very field."""
    descriptor = build(name)[1].DESCRIPTOR.fields_by_name[field]
    tried = list(probes(descriptor, RULES[name]["fields"][field]))
    assert not all(good for _, good, _ in tried) or {"minimum"} == set(RULES[name]["fields"][field])
    for what, good, into in tried:
        request, message, path = build(name)
        checked(request)
        into(message, field)
        if good:
            checked(request)
            continue
        refused = refusal(request)
        # A commit in a stream is named from itself.
        whole = f"{path}.{field}".removeprefix("commits[0].").removeprefix(".")
        # The size of an event in a commit is told with its mutation.
        named = refused == path if (name, what) == ("EventAppend", "too large item") else refused.startswith(whole)
        assert named, (what, refused)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule["required_oneofs"]])
def test_each_oneof_that_is_required_is_refused_without_one(name: str) -> None:
    """And accepted with one."""
    for oneof in RULES[name]["required_oneofs"]:
        request, message, path = build(name)
        checked(request)
        message.ClearField(message.WhichOneof(oneof))
        with pytest.raises(InvalidFieldError) as caught:
            checked(request)
        assert f"{path}.{oneof}".removeprefix(".") == caught.value.field


def test_the_committed_rules_are_those_of_the_server() -> None:
    """`python -m sessiond.contract.rules > docs/api/rules.json` makes them again."""
    assert rules()["messages"] == RULES


def test_no_rule_of_the_server_is_left_out() -> None:
    """Each rule of a field and each rule of requests is found at a field at least."""
    fields = {f"{name}.{field}" for name, field in FIELDS} | {field for _, field in FIELDS}
    assert set() == (set(FIELD_RULES) | REQUIRED_FIELDS | set(_OF_REQUESTS)) - fields
    assert constants.MAX_ID_BYTES == RULES["Message"]["fields"]["id"]["max_bytes"]


def test_each_kind_of_fact_is_explained() -> None:
    """A client cannot check what it does not understand."""
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    names = {name for rule in RULES.values() for facts in rule["fields"].values() for name in facts}
    assert set() == {name for name in names if f"`{name}`" not in page}

"""Writes the reference of the API, one page, from the comments in the descriptor set.

python .ci/make_api_reference.py DESCRIPTOR_SET > reference.md
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

PACKAGE = "sessionstore.v1"
FIRST_FILES = ("session_store_service.proto", "admin_service.proto", "error_reason.proto")

# The numbers of the fields in descriptor.proto of which the paths of comments are made.
MESSAGE_IN_FILE, ENUM_IN_FILE, SERVICE_IN_FILE = 4, 5, 6
FIELD_IN_MESSAGE, METHOD_IN_SERVICE, VALUE_IN_ENUM = 2, 2, 2

Comments = dict[tuple[int, ...], str]


def comments_of(file: FileDescriptorProto) -> Comments:
    """The comment before each thing, on one line."""
    return {
        tuple(location.path): " ".join(location.leading_comments.split())
        for location in file.source_code_info.location
        if location.leading_comments
    }


def type_of(field: FieldDescriptorProto, maps: dict[str, DescriptorProto]) -> str:
    """The type of a field, with a link where it is one of ours."""
    if field.type_name in maps:
        key, value = maps[field.type_name].field
        return f"map of {type_of(key, maps)} to {type_of(value, maps)}"
    name = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    if field.type_name:
        full = field.type_name.removeprefix(".")
        short = full.removeprefix(f"{PACKAGE}.")
        name = f"[{short}](#{short.lower()})" if full != short else f"`{full}`"
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    prefix = "repeated " if repeated else "optional " if field.proto3_optional else ""
    return prefix + name


def of_message(message: DescriptorProto, comments: Comments, path: tuple[int, ...]) -> Iterator[str]:
    """A message with its fields."""
    yield from ("", f"### {message.name}", "", comments[path])
    if not message.field:
        return
    maps = {f".{PACKAGE}.{message.name}.{nested.name}": nested for nested in message.nested_type}
    yield from ("", "| field | number | type | |", "| --- | --- | --- | --- |")
    for index, field in enumerate(message.field):
        in_oneof = field.HasField("oneof_index") and not field.proto3_optional
        choice = f"one of `{message.oneof_decl[field.oneof_index].name}`: " if in_oneof else ""
        text = comments[*path, FIELD_IN_MESSAGE, index].replace("|", "\\|")
        yield f"| `{field.name}` | {field.number} | {choice}{type_of(field, maps)} | {text} |"


def of_enum(enum: EnumDescriptorProto, comments: Comments, path: tuple[int, ...]) -> Iterator[str]:
    """An enum with its values."""
    yield from ("", f"### {enum.name}", "", comments[path], "", "| value | number | |", "| --- | --- | --- |")
    for index, value in enumerate(enum.value):
        text = comments[*path, VALUE_IN_ENUM, index].replace("|", "\\|")
        yield f"| `{value.name}` | {value.number} | {text} |"


def of_service(service: ServiceDescriptorProto, comments: Comments, path: tuple[int, ...]) -> Iterator[str]:
    """A service with its calls."""
    yield from ("", f"## {service.name}", "", comments[path])
    yield from ("", "| call | request | answer | |", "| --- | --- | --- | --- |")
    for index, method in enumerate(service.method):
        shapes = []
        for type_name, streams in (
            (method.input_type, method.client_streaming),
            (method.output_type, method.server_streaming),
        ):
            short = type_name.rpartition(".")[2]
            shapes.append(f"{'stream of ' if streams else ''}[{short}](#{short.lower()})")
        text = comments[*path, METHOD_IN_SERVICE, index].replace("|", "\\|")
        yield f"| `{method.name}` | {shapes[0]} | {shapes[1]} | {text} |"


def page(files: list[FileDescriptorProto]) -> Iterator[str]:
    """The lines of the page."""
    yield from ("# The API, `sessionstore.v1`", "", "Made from the comments in [the protos](../../protos/README.md).")
    for file in files:
        comments = comments_of(file)
        for index, service in enumerate(file.service):
            yield from of_service(service, comments, (SERVICE_IN_FILE, index))
    for file in files:
        comments = comments_of(file)
        yield from ("", f"## {Path(file.name).name}")
        for index, message in enumerate(file.message_type):
            yield from of_message(message, comments, (MESSAGE_IN_FILE, index))
        for index, enum in enumerate(file.enum_type):
            yield from of_enum(enum, comments, (ENUM_IN_FILE, index))


def order(file: FileDescriptorProto) -> tuple[bool, int, str]:
    """The services first, then the rest by name."""
    name = Path(file.name).name
    return name not in FIRST_FILES, FIRST_FILES.index(name) if name in FIRST_FILES else 0, name


def main() -> None:
    """Writes the page to standard output."""
    files = FileDescriptorSet.FromString(Path(sys.argv[1]).read_bytes()).file
    ours = sorted((file for file in files if file.package == PACKAGE), key=order)
    sys.stdout.write("\n".join(page(ours)) + "\n")


if __name__ == "__main__":
    main()

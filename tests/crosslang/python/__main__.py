"""The commands of the runner; see ../README.md."""

import asyncio
import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import grpc
from google.protobuf.json_format import ParseDict

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event
from tests.crosslang.python.bench import bench
from tests.crosslang.python.calls import call_named
from tests.crosslang.python.config import Config, Endpoints
from tests.crosslang.python.steps import Player, SkipStep


async def run(config: Config, files: Sequence[str]) -> bool:
    """Plays the files, and says whether no step failed."""
    player = Player(config)
    good = True
    for file in files:
        for step in json.loads(Path(file).read_text(encoding="utf-8")):
            name = f"{Path(file).stem}/{step['name']}"
            try:
                wrong = await player.play(step)
            except SkipStep as why:
                say(f"skip {name}: {why}")
                continue
            except Exception as error:  # noqa: BLE001 - a step that cannot be played has failed
                wrong = f"{type(error).__name__}: {error}"
            good = good and wrong is None
            say(f"ok {name}" if wrong is None else f"FAIL {name}: {' '.join(wrong.split())}")
    await player.close()
    return good


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def write_corpus(config: Config, path: str) -> None:
    """Appends the events of a corpus to a session of their own."""
    endpoints = Endpoints(config)
    channel, metadata = endpoints.channel(config.default), endpoints.metadata(config.default, None)
    session_id = f"{config.run}-corpus"
    await call_named("CreateSession").on(channel)(pb.CreateSessionRequest(session_id=session_id), metadata=metadata)
    for index, value in enumerate(json.loads(Path(path).read_text(encoding="utf-8"))):
        event = ParseDict(value, Event())
        request = pb.AppendEventRequest(session_id=session_id, event_id=f"c{index}", event=event)
        await call_named("AppendEvent").on(channel)(request, metadata=metadata)
    await endpoints.close()


async def read_corpus(config: Config, session_id: str) -> None:
    """Appends the events of a session again, and prints whether the server takes each for the same."""
    endpoints = Endpoints(config)
    channel, metadata = endpoints.channel(config.default), endpoints.metadata(config.default, None)
    request = pb.GetEventsRequest(session_id=session_id)
    async for fragment in call_named("GetEvents").on(channel)(request, metadata=metadata):
        for stored in fragment.events:
            again = pb.AppendEventRequest(session_id=session_id, event_id=stored.event_id, event=stored.event)
            try:
                same = (await call_named("AppendEvent").on(channel)(again, metadata=metadata)).already_existed
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                    raise
                same = False
            say(f"{stored.sequence} {'same' if same else 'different'}")
    await endpoints.close()


def main(arguments: Sequence[str]) -> int:
    """Runs a command; returns the exit code."""
    match arguments:
        case ["run", config, *files]:
            return 0 if asyncio.run(run(Config.load(config), files)) else 1
        case ["write-corpus", config, corpus]:
            asyncio.run(write_corpus(Config.load(config), corpus))
        case ["read-corpus", config, session_id]:
            asyncio.run(read_corpus(Config.load(config), session_id))
        case ["bench", config]:
            say(json.dumps(asyncio.run(bench(Config.load(config)))))
        case ["versions"]:
            python = ".".join(map(str, sys.version_info[:3]))
            libraries = {"grpc": f"grpcio {version('grpcio')}", "protobuf": f"protobuf {version('protobuf')}"}
            say(json.dumps({"language": f"Python {python}", **libraries}))
        case _:
            sys.stderr.write(
                "usage: runner run|write-corpus|read-corpus|bench|versions …; see tests/crosslang/README.md\n"
            )
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

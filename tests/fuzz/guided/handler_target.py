"""The handlers as a target: whatever bytes a call is sent, it ends in time and with a status of the house."""

import asyncio
import logging
import traceback
from pathlib import Path
from random import Random

import grpc
from google.protobuf.message import DecodeError

from sessiond.contract.limits import Limits
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import append, commit, complete, custom, part, said, tool_call, user_message
from tests.fuzz.guided.call_inputs import LENGTH_BYTES, NAMES, decoded_input, encoded_input
from tests.fuzz.guided.protobuf_mutations import mutate_message
from tests.fuzz.guided.seeds import handler_seeds
from tests.fuzz.guided.targets import Target
from tests.fuzz.stack import CALLS, Answered, Stack, reason_of

__all__ = ["HandlerTarget"]

LIFE_INPUTS = 1000
"""After so many a new, empty store is begun, so that what is slow is slow by itself."""

RESTART_INPUTS = 250
FRESH = 0.8
"""How often what is no request gives way to a mutated seed."""

PATIENCE_SECONDS = 10.0
LIMITS = Limits(max_item_bytes=64 * 1024, max_metadata_bytes=4096, max_request_bytes=256 * 1024)

_FINE = {
    grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}  # fmt: skip
"""The statuses of a server that nothing ails."""
_FINE_NUMBERS = {code.value[0] for code in _FINE}


class _Unforeseen(logging.Handler):
    """Remembers what the interceptor of errors logs of an exception that nobody foresaw."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()
        if record.exc_info is not None and (error := record.exc_info[1]) is not None:
            last = traceback.extract_tb(error.__traceback__)[-1]
            self.text = f"{type(error).__name__} in {Path(last.filename).name}:{last.name}: {error}"[:300]


class HandlerTarget(Target):
    """Makes calls, one after another, on a store that remembers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._taken = 0
        self._history: list[bytes] = []
        self._seeds = [seed for seed in handler_seeds() if _is_decodable(seed)]
        self._unforeseen = _Unforeseen()
        logging.getLogger("sessiond").addHandler(self._unforeseen)
        logging.getLogger("sessiond").propagate = False
        self._loop = asyncio.new_event_loop()
        self._stack = Stack(folder / "data", LIMITS)
        self._loop.run_until_complete(self._begin())
        self._tasks = len(asyncio.all_tasks(self._loop))
        self._descriptors = _open_descriptors()

    def take(self, data: bytes) -> None:
        """See Target."""
        self._taken += 1
        if self._taken % LIFE_INPUTS == 0:
            self._history.clear()
            self._loop.run_until_complete(self._begin_anew())
            self._check_leftovers()
        elif self._taken % RESTART_INPUTS == 0:
            self._loop.run_until_complete(self._stack.restart())
        self._history.append(data)
        name, requests = decoded_input(data)
        self._unforeseen.text = ""
        answered = self._loop.run_until_complete(asyncio.wait_for(self._stack.send(name, *requests), PATIENCE_SECONDS))
        self._check(name, answered)
        self._loop.run_until_complete(self._wait_for_tasks(name))
        if self._stack.open_feeds:
            raise AssertionError(f"{name} left a tail open")

    async def _wait_for_tasks(self, name: str) -> None:
        # A read that was given up keeps its place until its thread is done.
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(asyncio.all_tasks()) - 1 != self._tasks:
                    await asyncio.sleep(0)
        except TimeoutError:
            raise AssertionError(f"{name} left a task behind") from None

    def mutated(self, data: bytes, chance: Random) -> bytes | None:
        """See Target."""
        if chance.random() < 0.05:
            data = bytes((chance.randrange(len(NAMES)),)) + data[1:]
        try:
            return _mutated(data, chance)
        except DecodeError:
            # Most of what is made of bytes that are no request is none either.
            return _mutated(chance.choice(self._seeds), chance) if chance.random() < FRESH else None

    def history(self) -> list[bytes]:
        """See Target."""
        return self._history

    def close(self) -> None:
        """See Target."""
        self._loop.run_until_complete(self._stack.close())
        self._loop.close()

    def _check(self, name: str, answered: Answered) -> None:
        if answered.code not in _FINE:
            raise AssertionError(f"{name}: {answered.code.name} {answered.reason} {self._unforeseen.text}")
        if answered.code is grpc.StatusCode.OK:
            self.accepted += 1
        else:
            if not answered.reason:
                raise AssertionError(f"{name}: {answered.code.name} without a reason")
            self.refusals[answered.reason] += 1
        for answer in answered.answers if name == "Write" else ():
            for outcome in answer.outcomes:
                if outcome.HasField("error") and outcome.error.code not in _FINE_NUMBERS:
                    raise AssertionError(f"{name}: outcome {reason_of(outcome.error)} {outcome.error.message}")
        if answered.error_bytes > MAX_ERROR_BYTES:
            raise AssertionError(f"{name}: the error takes {answered.error_bytes} bytes of headers")

    async def _begin_anew(self) -> None:
        await self._stack.empty()
        await self._begin()

    async def _begin(self) -> None:
        """Makes the sessions that inputs name."""
        if self._taken == 0:
            await self._stack.open()
        config = SessionConfig(metadata={"label": "x"}, system_prompt="be brief")
        config.workspace.remote.auth.bearer_token = "t"  # noqa: S105
        for session in ("s0", "s1"):
            await self._stack.call("CreateSession", pb.CreateSessionRequest(session_id=session, config=config))
            mutations = [
                pb.Mutation(append_message=user_message("m0")),
                pb.Mutation(append_message=said("m1")),
                pb.Mutation(create_tool_call=tool_call("c0")),
                *(append(event, f"e{number}") for number, event in enumerate((part(), complete("model"), custom("k")))),
            ]
            await self._stack.call("Commit", commit(session, *mutations))

    def _check_leftovers(self) -> None:
        if _open_descriptors() > self._descriptors:
            raise AssertionError(f"open descriptors grew from {self._descriptors} to {_open_descriptors()}")


MAX_ERROR_BYTES = 8192
"""What clients take for the headers of an answer as a matter of course."""


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def _mutated(data: bytes, chance: Random) -> bytes | None:
    name, requests = decoded_input(data)
    index = chance.randrange(len(requests)) if requests else 0
    request = CALLS[name].request_type()
    request.ParseFromString(requests[index] if requests else b"")
    mutate_message(request, chance)
    changed = [*requests[:index], request.SerializeToString(), *requests[index + 1 :]]
    if CALLS[name].streams_requests and any(len(one) >= 1 << 8 * LENGTH_BYTES for one in changed):
        return None
    return encoded_input(name, *changed)


def _is_decodable(data: bytes) -> bool:
    name, requests = decoded_input(data)
    try:
        return all(CALLS[name].request_type().FromString(request) is not None for request in requests)
    except DecodeError:
        return False

"""Plays steps: sends what they say and compares what comes."""

import base64
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.crosslang.python import failures
from tests.crosslang.python.calls import call_named
from tests.crosslang.python.config import Config, Endpoints
from tests.crosslang.python.tails import OpenTail
from tests.crosslang.python.values import expand, mismatch, pick

__all__ = ["Player", "SkipStep"]

LANGUAGE = "python"
DEADLINE_MS = 30_000

# What grpc.aio says in place of the status of a stream that ends before a request is sent
# (https://github.com/grpc/grpc/issues/36066). Only a repeat tells the status.
LOST_STATUS = "Internal error from Core"
LOST_STATUS_TRIES = 10


class SkipStep(Exception):  # noqa: N818 - it is no error
    """A step that is not played; the text says why."""


class Player:
    """Plays the steps of one run, in order."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._endpoints = Endpoints(config)
        self._variables = {"run": config.run}
        self._tails: dict[str, OpenTail] = {}

    async def play(self, step: dict[str, Any]) -> str | None:
        """Plays one step; says what was wrong, if anything. Raises SkipStep."""
        if LANGUAGE in step.get("unsupported", {}):
            raise SkipStep(step["unsupported"][LANGUAGE])
        if step.get("on") in self._config.absent:
            raise SkipStep(self._config.absent[step["on"]])
        if step.get("needs", step.get("control", "")).split(" ")[0] not in ("", *self._config.controls):
            raise SkipStep("nobody is there to do to the server what this needs")
        plays: dict[str, Callable[[dict[str, Any]], Awaitable[str | None]]] = {
            "call": self._call,
            "method": self._raw,
            "write": self._write,
            "tail": self._open_tail,
            "read": self._read_tail,
            "cancel": self._cancel_tail,
            "control": self._control,
        }
        play = next(play for key, play in plays.items() if key in step)
        return await play(expand(step, self._variables))

    async def close(self) -> None:
        """Ends what is open."""
        await self._endpoints.close()

    def _options(self, step: dict[str, Any]) -> dict[str, Any]:
        return {
            "timeout": step.get("deadline_ms", DEADLINE_MS) / 1000,
            "metadata": self._endpoints.metadata(step.get("on", self._config.default), step.get("as")),
        }

    def _channel(self, step: dict[str, Any]) -> grpc.aio.Channel:
        return self._endpoints.channel(step.get("on", self._config.default))

    async def _call(self, step: dict[str, Any]) -> str | None:
        if "raw_base64" in step:
            return await self._raw({**step, "method": call_named(step["call"]).path})
        call = call_named(step["call"])
        request = ParseDict(step["request"], call.request_type())
        request.MergeFromString(base64.b64decode(step.get("request_base64", "")))
        answer, sizes = call.answer_type(), []
        try:
            if call.is_streaming:
                async for fragment in call.on(self._channel(step))(request, **self._options(step)):
                    sizes.append(fragment.ByteSize())
                    answer.MergeFrom(fragment)
            else:
                answer = await call.on(self._channel(step))(request, **self._options(step))
        except grpc.aio.AioRpcError as error:
            return _compare_failure(step, failures.of_call(error))
        if "error" in step:
            return f"expected a failure, got {str(MessageToDict(answer))[:300]}"
        return self._compare_answer(step, answer) or _compare_fragments(step.get("fragments"), sizes)

    def _compare_answer(self, step: dict[str, Any], answer: Message) -> str | None:
        found = MessageToDict(answer)
        wrong = mismatch(step["expect"], found) or _contains(step, answer.SerializeToString())
        if wrong is None:
            self._save(step, found)
        return wrong

    def _save(self, step: dict[str, Any], found: Any) -> None:
        for variable, path in step.get("save", {}).items():
            self._variables[variable] = pick(found, path)

    async def _raw(self, step: dict[str, Any]) -> str | None:
        # A stream of requests would lose the status of a call that ends before they are sent; see grpc/grpc#36066.
        call: Any = self._channel(step).unary_stream(step["method"])
        try:
            request = base64.b64decode(step["raw_base64"])
            answers = [answer async for answer in call(request, **self._options(step))]
        except grpc.aio.AioRpcError as error:
            return _compare_failure(step, failures.of_call(error))
        return "expected a failure" if "error" in step else _contains(step, b"".join(answers))

    async def _write(self, step: dict[str, Any]) -> str | None:
        outcomes, failure = await self._write_once(step)
        for _ in range(LOST_STATUS_TRIES):
            if failure is None or failure["message"] != LOST_STATUS:
                break
            outcomes, failure = await self._write_once(step)
        wrong = mismatch(step["outcomes"], outcomes, "outcomes")
        if wrong is None and "error" in step:
            wrong = mismatch(step["error"], failure)
        elif wrong is None and failure is not None:
            wrong = f"the stream failed: {failure}"
        if wrong is None:
            self._save(step, {"outcomes": outcomes})
        return wrong

    async def _write_once(self, step: dict[str, Any]) -> tuple[list[Any], dict[str, Any] | None]:
        requests = [ParseDict(request, pb.WriteRequest()) for request in step["write"]]
        outcomes: list[Any] = []
        stream = call_named("Write").on(self._channel(step))(iter(requests), **self._options(step))
        try:
            async for response in stream:
                outcomes.extend(map(_outcome, response.outcomes))
        except grpc.aio.AioRpcError as error:
            return outcomes, failures.of_call(error)
        return outcomes, None

    async def _open_tail(self, step: dict[str, Any]) -> str | None:
        request = ParseDict(step["request"], pb.TailEventsRequest())
        options = self._options(step)
        if "deadline_ms" not in step:
            del options["timeout"]
        self._tails[step["tail"]] = OpenTail(call_named("TailEvents").on(self._channel(step))(request, **options))
        return None

    async def _read_tail(self, step: dict[str, Any]) -> str | None:
        wrong, read = await self._tails[step["read"]].read(step)
        if wrong is None:
            self._save(step, read)
        return wrong

    async def _cancel_tail(self, step: dict[str, Any]) -> str | None:
        self._tails.pop(step["cancel"]).cancel()
        return None

    async def _control(self, step: dict[str, Any]) -> str | None:
        words = step["control"]
        sys.stdout.write(f"control {words}\n")
        sys.stdout.flush()
        answer = sys.stdin.readline().strip()
        self._endpoints.forget()
        verdict, _, more = answer.partition(" ")
        if verdict != "done":
            return f"the control failed: {answer}"
        if more:
            self._config.tokens.update(json.loads(more)["tokens"])
        return None


def _outcome(outcome: pb.CommitOutcome) -> dict[str, Any]:
    if outcome.HasField("error"):
        return {"error": failures.of_status(outcome.error)}
    return {"result": MessageToDict(outcome.result)}


def _compare_failure(step: dict[str, Any], failure: dict[str, Any]) -> str | None:
    return mismatch(step["error"], failure) if "error" in step else f"failed: {failure}"


def _compare_fragments(expected: dict[str, int] | None, sizes: list[int]) -> str | None:
    if expected is None:
        return None
    if len(sizes) < expected["at_least"] or max(sizes, default=0) > expected["max_bytes"]:
        return f"{len(sizes)} fragments of at most {max(sizes, default=0)} bytes, expected {expected}"
    return None


def _contains(step: dict[str, Any], answer: bytes) -> str | None:
    part = step.get("answer_contains_base64")
    if part is None or base64.b64decode(part) in answer:
        return None
    return f"the bytes {part} are not in the answer"

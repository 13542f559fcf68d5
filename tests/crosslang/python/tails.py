"""Open tails, read step by step."""

import asyncio
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.crosslang.python import failures
from tests.crosslang.python.values import mismatch

__all__ = ["OpenTail"]

PATIENCE_SECONDS = 30


class OpenTail:
    """One tail, with the sequence that it has accounted for."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._accounted: int | None = None

    async def read(self, step: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Reads until the step's `until` is met; what is wrong, and what `save` picks from."""
        events: list[Any] = []
        frame: dict[str, Any] = {}
        ended = False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not _met(step["until"], frame, events):
                    if self._call.cancelled():
                        return "the tail was ended by a step before", {}
                    answer = await self._call.read()
                    if answer is grpc.aio.EOF:
                        ended = True
                        break
                    wrong = self._account(answer)
                    if wrong:
                        return wrong, {}
                    frame = MessageToDict(answer)
                    events.extend(frame.get("events", {}).get("events", []))
        except TimeoutError:
            return f"nothing met `until` in {PATIENCE_SECONDS} seconds; the last frame was {frame}", {}
        except grpc.aio.AioRpcError as error:
            failure = failures.of_call(error)
            if "error" not in step:
                return f"the tail failed: {failure}", {}
            return mismatch(step["error"], failure) or mismatch(step.get("events"), events or None), {}
        read = {"frame": next(iter(frame.values()), None), "events": events}
        if "error" in step or ended != (step["until"] == "end"):
            return f"the tail {'ended' if ended else 'did not end'}; the last frame was {frame}", {}
        wrong = mismatch(step["frame"], read["frame"], "frame") if "frame" in step else None
        if wrong is None and "events" in step:
            wrong = mismatch(step["events"], events, "events")
        return wrong, read

    def cancel(self) -> None:
        """Ends it from this side."""
        self._call.cancel()

    def _account(self, answer: pb.TailEventsResponse) -> str | None:
        kind = answer.WhichOneof("frame")
        frame: Any = getattr(answer, kind) if kind else None
        if kind == "events" and self._accounted is not None and frame.first_sequence != self._accounted + 1:
            return f"a gap: {frame.first_sequence} follows on {self._accounted}"
        if kind == "events" or (kind in ("caught_up", "heartbeat", "draining") and frame.HasField("last_sequence")):
            self._accounted = frame.last_sequence
        return None


def _met(until: str | int, frame: dict[str, Any], events: list[Any]) -> bool:
    return len(events) >= until if isinstance(until, int) else until in frame

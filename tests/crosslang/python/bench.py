"""What appends and tails cost in this language; see ../README.md for what each figure is."""

import asyncio
import statistics
import time
from typing import Any

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, MessagePart
from tests.crosslang.python.calls import call_named
from tests.crosslang.python.config import Config, Endpoints

__all__ = ["bench"]

TEXT = "x" * 200
EVENT = Event(message_part=MessagePart(content=TEXT, message_id="m"))


class _Bench:
    def __init__(self, config: Config) -> None:
        self._endpoints = Endpoints(config)
        self._channel = self._endpoints.channel(config.default)
        self._metadata = self._endpoints.metadata(config.default, None)
        self._prefix = f"{config.run}-bench"

    def call(self, name: str, request: Any) -> Any:
        return call_named(name).on(self._channel)(request, metadata=self._metadata)

    async def session(self, name: str) -> str:
        session_id = f"{self._prefix}-{name}"
        await self.call("CreateSession", pb.CreateSessionRequest(session_id=session_id))
        return session_id

    async def append_p50_us(self) -> float:
        append = call_named("AppendEvent").on(self._channel)
        request = pb.AppendEventRequest(session_id=await self.session("one"), event=EVENT)
        times = []
        for index in range(1_100):
            began = time.perf_counter()
            await append(request, metadata=self._metadata)
            if index >= 100:
                times.append(time.perf_counter() - began)
        return statistics.median(times) * 1e6

    async def append_64_per_second(self) -> float:
        append = call_named("AppendEvent").on(self._channel)
        sessions = [await self.session(f"many-{index}") for index in range(64)]

        async def worker(session_id: str) -> None:
            request = pb.AppendEventRequest(session_id=session_id, event=EVENT)
            for _ in range(125):
                await append(request, metadata=self._metadata)

        began = time.perf_counter()
        await asyncio.gather(*map(worker, sessions))
        return 8_000 / (time.perf_counter() - began)

    async def write_per_second(self) -> float:
        mutations = [pb.Mutation(append_event=pb.EventAppend(event=EVENT))] * 10
        commit = pb.CommitRequest(session_id=await self.session("bulk"), mutations=mutations)
        request = pb.WriteRequest(commits=[commit] * 50)
        began = time.perf_counter()
        answered = 0
        async for response in self.call("Write", iter([request] * 100)):
            answered += sum(len(outcome.result.results) for outcome in response.outcomes)
        if answered != 50_000:
            raise AssertionError(f"{answered} events were answered")
        return 50_000 / (time.perf_counter() - began)

    async def tail_per_second(self) -> float:
        request = pb.TailEventsRequest(session_id=f"{self._prefix}-bulk", no_follow=True)
        began = time.perf_counter()
        received = 0
        async for frame in self.call("TailEvents", request):
            received += len(frame.events.events)
        if received != 50_000:
            raise AssertionError(f"{received} events came")
        return 50_000 / (time.perf_counter() - began)

    async def latency_p50_us(self) -> float:
        append = call_named("AppendEvent").on(self._channel)
        session_id = await self.session("latency")
        tail = self.call("TailEvents", pb.TailEventsRequest(session_id=session_id, from_now=True))
        while not (await tail.read()).HasField("caught_up"):
            pass
        request = pb.AppendEventRequest(session_id=session_id, event=EVENT)
        times = []
        for _ in range(500):
            began = time.perf_counter()
            appending = asyncio.ensure_future(append(request, metadata=self._metadata))
            while not (await tail.read()).HasField("events"):
                pass
            times.append(time.perf_counter() - began)
            await appending
        tail.cancel()
        return statistics.median(times) * 1e6

    async def close(self) -> None:
        await self._endpoints.close()


async def bench(config: Config) -> dict[str, float]:
    """All figures."""
    measured = _Bench(config)
    figures = {
        "append_p50_us": await measured.append_p50_us(),
        "append_64_per_second": await measured.append_64_per_second(),
        "write_per_second": await measured.write_per_second(),
        "tail_per_second": await measured.tail_per_second(),
        "latency_p50_us": await measured.latency_p50_us(),
    }
    await measured.close()
    return {name: round(value, 1) for name, value in figures.items()}

"""The first page of ListSessions in each order, with and without a metadata filter, among many sessions and among few.

The labels are held by a half of the sessions, by a tenth, by a hundred of them however many there are, and by the
oldest tenth, which is the last place where a list that begins with the newest looks. Every page is full on both sides.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import product

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.driving import latencies
from tests.benchmarks.figures import Candidate, Kind, Metric, Run, Target, percentile
from tests.benchmarks.scale.contents import HUNDRED
from tests.benchmarks.scale.folders import filled_folder, large, small
from tests.benchmarks.setting import Setting
from tests.benchmarks.workloads.scale import PREFIX
from tests.benchmarks.workloads.workload import Workload

__all__ = ["WORKLOAD"]

MANY = "sessiond, many sessions"
FEW = "sessiond, few sessions"

SLOWER = 1.5
"""So much longer may a page take among many sessions."""

ORDERS = {
    "created": pb.SessionOrder.SESSION_ORDER_CREATED_AT,
    "updated": pb.SessionOrder.SESSION_ORDER_UPDATED_AT,
    "messages": pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT,
}
LABELS = {
    "all": {},
    "a half": {"team": "team-1"},
    "a tenth": {"language": "language-3"},
    "a hundred": {"ticket": "ticket-0"},
    "oldest tenth": {"era": "era-0"},
}
REQUESTS = {
    Metric(f"{order}, {label}", "ms", lower_is_better=True): pb.ListSessionsRequest(
        order_by=ORDERS[order], filter=pb.SessionFilter(metadata=LABELS[label]), page_size=HUNDRED
    )
    for order, label in product(ORDERS, LABELS)
}
"""The pages, by the metric that tells how long one takes: the median of many."""


def _listing(daemon: Daemon, count: int) -> Run:
    async def page(request: pb.ListSessionsRequest) -> None:
        found = len((await daemon.client.list_sessions_page(request)).sessions)
        if found != HUNDRED:
            raise RuntimeError(f"{found} sessions came, and not {HUNDRED}")

    async def median_ms(request: pb.ListSessionsRequest) -> float:
        return percentile(await latencies(lambda: page(request), count), 50) * 1000

    async def run() -> Mapping[str, float]:
        return {metric.name: await median_ms(request) for metric, request in REQUESTS.items()}

    return run


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    sizes = setting.sizes
    many, few = large(sizes), small(sizes)
    async with (
        running_daemon(await filled_folder(setting, many)) as large_one,
        running_daemon(await filled_folder(setting, few)) as small_one,
    ):
        yield [
            Candidate(MANY, Kind.OURS, _listing(large_one, sizes.pages), f"{many.sessions:,} sessions"),
            Candidate(FEW, Kind.FLOOR, _listing(small_one, sizes.pages), f"{few.sessions:,} sessions"),
        ]


WORKLOAD = Workload(
    name=f"{PREFIX}listing",
    title="a page of 100 of ListSessions, by order and by who holds the label that is asked for",
    metrics=tuple(REQUESTS),
    targets=tuple(Target(FEW, metric.name, SLOWER) for metric in REQUESTS),
    opened=_opened,
)

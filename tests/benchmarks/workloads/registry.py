"""All workloads, in the order of the table."""

from tests.benchmarks.workloads import (
    bulk_load,
    concurrent_appends,
    fan_out,
    memory,
    replay,
    scale,
    scale_listing,
    scale_start,
    single_append,
    tail_latency,
    unary_appends,
)
from tests.benchmarks.workloads.workload import Workload

__all__ = ["WORKLOADS"]

WORKLOADS: tuple[Workload, ...] = (
    single_append.WORKLOAD,
    concurrent_appends.WORKLOAD,
    unary_appends.WORKLOAD,
    bulk_load.WORKLOAD,
    tail_latency.WORKLOAD,
    fan_out.ONE_SESSION,
    fan_out.MANY_SESSIONS,
    replay.WORKLOAD,
    *scale.WORKLOADS,
    scale_listing.WORKLOAD,
    scale_start.WORKLOAD,
    memory.LOADS,
    memory.STEADY,
)

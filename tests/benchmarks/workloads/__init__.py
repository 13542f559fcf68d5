"""The workloads, each in a file: who does the same work, and what the ratios are to reach."""

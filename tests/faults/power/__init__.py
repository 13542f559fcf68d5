"""Power cuts: a run is recorded down to its writes and syncs, and disks are made of it as a cut could leave them."""

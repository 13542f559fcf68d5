"""What stands around every call: the decoding of requests, and the statuses of errors."""

"""The runner of the conformance kit in Python: generated stubs and grpc.aio, without our client library."""

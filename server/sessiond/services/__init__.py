"""The gRPC services: each call is checked, handed to the store, and its answer passed on."""

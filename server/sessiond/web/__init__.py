"""The same services for browsers: Connect and gRPC-Web over HTTP/1.1 and HTTP/2. Needs the extra `web`."""

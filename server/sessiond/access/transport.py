"""TLS for the listeners of gRPC."""

import grpc

from sessiond.access.tls_files import ReplaceableTls, TlsContents

__all__ = ["server_credentials"]


def server_credentials(tls: ReplaceableTls) -> grpc.ServerCredentials:
    """Credentials that take up replaced files with the next connection. Connections that are open stay open."""

    def newest() -> grpc.ServerCertificateConfiguration | None:
        return _configuration(tls.contents) if tls.replaced() else None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(tls.contents),
        newest,  # type: ignore[arg-type]  # None is what gRPC documents for "no change"
        require_client_authentication=tls.contents.client_authority is not None,
    )


def _configuration(contents: TlsContents) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(contents.key, contents.certificate)], root_certificates=contents.client_authority
    )

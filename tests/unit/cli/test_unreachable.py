"""What a person is told when no call gets through, out of what gRPC says."""

import pytest

from sessiond.cli.unreachable import told_unreachable

FAILED = "failed to connect to all addresses; last error: "
HANDSHAKE = (
    f"{FAILED}UNKNOWN: ipv4:127.0.0.1:5: Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL:"
    " error:1000007d:SSL routines:OPENSSL_internal:"
)


@pytest.mark.parametrize(
    ("address", "said", "told"),
    [
        (
            "tls:h:5",
            f"{FAILED}UNKNOWN: ipv4:127.0.0.1:5: Failed to connect to remote host: Connection refused",
            "no daemon answers at tls:h:5 (Connection refused); start it with `sessiond serve`, or name its --address",
        ),
        (
            "unix:/s",
            f"{FAILED}FAILED_PRECONDITION: unix:/s: connect failed: addr: unix:/s error: No such file or directory",
            (
                "no daemon answers at unix:/s (No such file or directory); start it with `sessiond serve`, or name its"
                " --address"
            ),
        ),
        (
            "h:5",
            "errors resolving h:5: [field:hostname lookup error:address lookup failed for h:5: Domain name not found]",
            "no daemon answers at h:5 (Domain name not found); start it with `sessiond serve`, or name its --address",
        ),
        (
            "h:5",
            "",
            "no daemon answers at h:5; start it with `sessiond serve`, or name its --address",
        ),
        (
            "h:5",
            f"{FAILED}UNAVAILABLE: ipv4:127.0.0.1:5: Socket closed",
            "no daemon answers at h:5 (Socket closed); start it with `sessiond serve`, or name its --address",
        ),
        (
            "tls:h:5",
            f"{HANDSHAKE}CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate: OK",
            (
                "the certificate of the daemon at tls:h:5 is not trusted (unable to get local issuer certificate); name"
                " its authority with `sessiond --tls-ca FILE`"
            ),
        ),
        (
            "tls:h:5",
            (
                f"{FAILED}UNKNOWN: ipv4:127.0.0.1:5: Custom verification check failed with error: UNAUTHENTICATED:"
                " Hostname Verification Check failed."
            ),
            (
                "the certificate of the daemon at tls:h:5 is for other names; make one that has this with `sessiond tls"
                " server --host NAME` where the daemon is"
            ),
        ),
        (
            "tls:h:5",
            f"{HANDSHAKE}WRONG_VERSION_NUMBER: Invalid certificate verification context: OK",
            (
                "what listens at tls:h:5 does not speak TLS (WRONG_VERSION_NUMBER); name its --address, without tls:"
                " where the daemon has none"
            ),
        ),
        (
            "tls:h:5",
            f"{FAILED}UNAVAILABLE: ipv4:127.0.0.1:5: Socket closed",
            (
                "the daemon at tls:h:5 ended the connection (Socket closed); it may ask for a certificate of its"
                " authority, which `sessiond --tls-client-cert FILE --tls-client-key FILE` names"
            ),
        ),
    ],
)
def test_the_cause_is_told_with_what_to_do(address: str, said: str, told: str) -> None:
    """In one line."""
    assert told == told_unreachable(address, said)


def test_a_cause_of_any_length_and_shape_stays_a_short_line() -> None:
    """It comes from elsewhere."""
    told = told_unreachable("h:5", "one\ntwo" * 1000)
    assert "\n" not in told
    assert len(told) < 300

"""What it means to a person that no call gets through to the daemon."""

import re

__all__ = ["told_unreachable"]

_MAX_CAUSE_CHARACTERS = 120

# BoringSSL's word for what went wrong, and its reason.
_HANDSHAKE = re.compile(r"OPENSSL_internal:(?P<error>[A-Z0-9_]+)(?:: (?P<reason>[^:]+))?")
_OTHER_NAME = "Hostname Verification Check failed"
_ENDED = ("Socket closed", "Connection reset by peer", "Broken pipe")
"""What is left of a handshake that the other side gives up, which comes after this side's end of it."""


def told_unreachable(address: str, said: str) -> str:
    """The message for an address, out of what gRPC says of it: the cause, and what to do."""
    if address.startswith("tls:"):
        told = _told_tls(address, said)
        if told:
            return told
    cause = _cause(said)
    shown = f" ({cause})" if cause else ""
    return f"no daemon answers at {address}{shown}; start it with `sessiond serve`, or name its --address"


def _told_tls(address: str, said: str) -> str:
    """The message for a connection that TLS did not let be; empty when there was none."""
    if _OTHER_NAME in said:
        return (
            f"the certificate of the daemon at {address} is for other names; make one that has this with `sessiond tls"
            " server --host NAME` where the daemon is"
        )
    handshake = _HANDSHAKE.search(said)
    if handshake is not None:
        return _told_handshake(address, handshake["error"], handshake["reason"])
    if said.endswith(_ENDED):
        return (
            f"the daemon at {address} ended the connection ({_cause(said)}); it may ask for a certificate of its"
            " authority, which `sessiond --tls-client-cert FILE --tls-client-key FILE` names"
        )
    return ""


def _told_handshake(address: str, error: str, reason: str | None) -> str:
    if error == "CERTIFICATE_VERIFY_FAILED":
        return (
            f"the certificate of the daemon at {address} is not trusted ({reason or error}); name its authority with"
            " `sessiond --tls-ca FILE`"
        )
    if error == "WRONG_VERSION_NUMBER":
        return (
            f"what listens at {address} does not speak TLS ({error}); name its --address, without tls: where the daemon"
            " has none"
        )
    return f"TLS with the daemon at {address} failed ({error}); see its log"


def _cause(said: str) -> str:
    """The end of what gRPC says, where the error of the system stands behind those of its layers."""
    last = " ".join(said.split()).rpartition(": ")[2].strip("[]. ")
    return last if len(last) <= _MAX_CAUSE_CHARACTERS else f"{last[:_MAX_CAUSE_CHARACTERS]}…"

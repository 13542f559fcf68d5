"""Missing memory is told from bytes that are no message, by the words of the library that is installed."""

import subprocess
import sys

import pytest
from google.protobuf.message import DecodeError

from sessiond.contract.decode_errors import check_memory, lacked_memory
from sessionstore.v1.session_store_service_pb2 import GetEventsResponse

LIMITED = """
import resource
from google.protobuf.message import DecodeError
from sessiond.contract.decode_errors import lacked_memory
from sessionstore.v1.session_store_service_pb2 import GetEventsResponse

response = GetEventsResponse()
for _ in range(40):
    response.events.add().event.message_part.content = "x" * 1_000_000
encoded = response.SerializeToString()
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 10_000_000, resource.RLIM_INFINITY))
try:
    GetEventsResponse.FromString(encoded)
except DecodeError as error:
    print("no memory" if lacked_memory(error) else error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is counted as here on Linux only")
def test_missing_memory_is_recognized() -> None:
    """A process that may take 10 MB more decodes 40 MB."""
    ran = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    assert "no memory\n" == ran.stdout


def test_bytes_that_are_no_message_are_not_taken_for_it() -> None:
    """They stay what they are."""
    with pytest.raises(DecodeError) as caught:
        GetEventsResponse.FromString(b"\xff")
    assert not lacked_memory(caught.value)
    check_memory(caught.value)

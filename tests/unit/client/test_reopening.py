"""Which streams that failed are opened again."""

import grpc
import pytest

from sessionstore.errors import UnauthenticatedError
from sessionstore.reopening import Reopening
from sessionstore.repeating import Repeating

REFUSED = UnauthenticatedError("the token is not known", code=grpc.StatusCode.UNAUTHENTICATED)


def test_a_refused_token_is_waited_for_where_it_may_change_and_was_good_before() -> None:
    """Who never was let in is refused for another reason."""
    for renews_token in (True, False):
        reopening = Reopening(None, Repeating(), renews_token=renews_token)
        assert not reopening.may_mend(REFUSED)
        reopening.succeeded()
        assert reopening.may_mend(REFUSED) is renews_token


async def test_who_gives_up_at_once_waits_for_no_other_token() -> None:
    """The time to give up is the longest of all waits."""
    reopening = Reopening(0, Repeating(), renews_token=True)
    reopening.succeeded()
    with pytest.raises(UnauthenticatedError):
        await reopening.wait_after(REFUSED)

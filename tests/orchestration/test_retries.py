"""What is tried again, and what fails at once."""

import dagster as dg
import psycopg
import pytest

from orchestration.retries import no_retry_in_vain, passes


@pytest.mark.parametrize(
    "message",
    [
        'connection to server at "10.0.0.7", port 5432 failed: Connection refused',
        "FATAL: terminating connection due to administrator command",
        "FATAL: the database system is shutting down",
        "FATAL: sorry, too many clients already",
        "deadlock detected",
        "canceling statement due to statement timeout",
        'could not extend file "base/1/2": No space left on device',
    ],
)
def test_a_fault_that_passes_is_tried_again(message: str) -> None:
    assert passes(message)


@pytest.mark.parametrize(
    "message",
    [
        'Database Error in model attribution: column "refferer" does not exist',
        "Compilation Error in model daily_metrics: 'metric_view' is undefined",
        "unique_attribution_event_id: Got 3 results, configured to fail if != 0",
    ],
)
def test_a_mistake_is_not(message: str) -> None:
    assert not passes(message)


def test_a_lost_connection_goes_on_to_the_retry_policy() -> None:
    with pytest.raises(psycopg.OperationalError), no_retry_in_vain():
        raise psycopg.OperationalError("server closed the connection unexpectedly")


def test_any_other_error_is_final_and_named() -> None:
    with pytest.raises(dg.Failure, match="KeyError: 'a'") as caught, no_retry_in_vain():
        raise KeyError("a")
    assert not caught.value.allow_retries

"""The job that tries refused events again, through the command line."""

import psycopg

from orchestration.defs.replay import replay_rejected
from tests.support import environment, scalar

REFUSED = """
insert into raw.rejected_events
    (event_id, received_at, sender, route, event, context, errors)
values (
    gen_random_uuid(), '2015-05-17T12:00:00Z', '{"kind": "secret"}', '/v1/events',
    '{"event_type": "page_viewed"}', '{"visitor_id": "somebody"}', '[]'
)
"""


def test_the_job_replays(database: str, connection: psycopg.Connection) -> None:
    connection.execute(REFUSED)
    with environment(EVENTMILL_RETENTION_DAYS="0"):
        for expected in (
            {"accepted": 1, "duplicate": 0, "rejected": 0},
            {"accepted": 0, "duplicate": 0, "rejected": 0},
        ):
            result = replay_rejected.execute_in_process()
            assert result.output_for_node("replay_rejected_events") == expected
    assert scalar(connection, "select visitor_id from raw.events") == "hash:somebody"
    assert scalar(connection, "select replayed_as from raw.rejected_events") == "accepted"

"""Events written straight into raw, and what the marts hold of them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import psycopg
from psycopg import sql

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def add_event(connection: psycopg.Connection, day: date, **columns: Any) -> None:
    """Store one event at noon UTC of `day`: a browser's `asset_viewed` unless told otherwise."""
    row = {
        "event_id": uuid.uuid4(),
        "occurred_at": datetime.combine(day, time(12), tzinfo=UTC),
        "event_type": "asset_viewed",
        "visitor_id": "visitor",
        "ip_asset_id": "asset",
        "user_agent": BROWSER,
        "referrer": "https://www.google.de/",
        **columns,
    }
    with connection.transaction():
        connection.execute("select raw.ensure_partition(%s)", (day,))
        connection.execute(
            "insert into raw.event_ids (event_id, occurred_at) values (%s, %s)",
            (row["event_id"], row["occurred_at"]),
        )
        connection.execute(
            sql.SQL("insert into raw.events ({}) values ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(sql.Placeholder() * len(row)),
            ),
            list(row.values()),
        )


def add_days(connection: psycopg.Connection, first: date, days: int) -> None:
    """`days` days from `first` on, of 3, 4, 5 … views by different people and one by a crawler."""
    for number in range(days):
        day = first + timedelta(days=number)
        for visitor in range(3 + number):
            add_event(connection, day, visitor_id=f"visitor {visitor}")
        add_event(connection, day, visitor_id="crawler", user_agent=CRAWLER, referrer=None)


METRICS = """
select date, project_id, ip_asset_id, license_id, views, clicks, conversions, revenue_cents,
    unique_visitors, engagement_time, metadata
from marts.daily_metrics order by 1, 2 nulls first, 3 nulls first, 4 nulls first
"""
ATTRIBUTION = "select * from marts.attribution order by occurred_at, event_id"


def marts(connection: psycopg.Connection) -> tuple[list[Any], list[Any]]:
    """All that both marts hold, without the time at which it was written."""
    return connection.execute(METRICS).fetchall(), connection.execute(ATTRIBUTION).fetchall()


def platform_views(connection: psycopg.Connection) -> dict[date, int]:
    """Views of each built day, of the whole platform."""
    rows = connection.execute(
        "select date, views from marts.daily_metrics"
        " where project_id is null and ip_asset_id is null and license_id is null order by date"
    )
    return dict(rows.fetchall())


@contextmanager
def listener(status: int = 200) -> Iterator[tuple[str, list[bytes]]]:
    """URL of a local web server that answers POSTs with `status`, and the bodies that it got."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/alerts", bodies
        finally:
            server.shutdown()
            thread.join()

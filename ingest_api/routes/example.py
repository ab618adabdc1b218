"""The demo's example: a page with the tracker on it, which shows what of its visitor is stored.

It is there only with EVENTMILL_EXAMPLE_PAGE, which `eventmill demo` sets: it tells anybody the
events of an anonymous id.
"""

from typing import Annotated, Any, LiteralString

import psycopg
from fastapi import APIRouter, Query, Request, Response
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from eventmill.core.errors import Unavailable
from ingest_api.demo_key import demo_write_key
from ingest_api.routes.tracker import STATIC

RECENT: LiteralString = """
select event_id, event_type, occurred_at, received_at, ip_asset_id, props_json as props,
    page_url, landing_page, utm_source, session_id
from raw.events
where anonymous_id = %s and occurred_at > now() - interval '1 day'
order by occurred_at desc, event_id
limit 50
"""

router = APIRouter(tags=["example"], include_in_schema=False)


@router.get("/example")
def get_page() -> Response:
    """The page, with the demo's publishable key in its script tag."""
    page = (STATIC / "example.html").read_text().replace("{{ write_key }}", demo_write_key())
    return Response(page, media_type="text/html", headers={"Cache-Control": "no-cache"})


@router.get("/example/events")
async def get_events(
    request: Request, anonymous_id: Annotated[str, Query(min_length=1, max_length=200)]
) -> list[dict[str, Any]]:
    """What is stored of an anonymous id: its last 50 events of a day, the newest first."""
    try:
        async with (
            request.app.state.pool.connection() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(RECENT, (anonymous_id,))
            found: list[dict[str, Any]] = await cursor.fetchall()
    except (psycopg.Error, PoolTimeout):
        raise Unavailable("the database is away") from None
    return found

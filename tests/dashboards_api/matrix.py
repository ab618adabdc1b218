"""Every call as every kind of caller: the table, and the marketplace that it is about.

A new call is a new line of MATRIX; a thing that it needs is made in `world`. A route without a line
fails `test_matrix.py`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import psycopg

from eventmill.core.days import ONE_DAY, utc_today
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller, issue, signing_secret
from tests.dashboards_api.support import Event, insert

# What stands in braces is somebody's thing, by its name in `world`: with an id that does not exist
# in its place, whoever gets a 404 here must get the very same one. A name of BODIES
# may follow the statuses. A call that needs no token has `open` in their place, one whose link is
# its permission `signed`.
MATRIX = """
#                                            creator        brand whose license       admin
#                                            owner  other   holds   expired   begins
GET /v1/assets/{asset}/metrics                200    404     200     404       404     200
GET /v1/entities/ip_asset/{asset}/events      200    404     200     404       404     200
GET /v1/entities/project/{project}/events     404    404     200     404       404     200
GET /v1/entities/license/{license}/events     200    404     200     404       404     200
GET /v1/entities/license/{expired}/events     200    404     404     200       404     200
GET /v1/creators/{creator}/dashboard          200    404     403     403       403     200
GET /v1/brands/{brand}/campaigns              403    403     200     404       404     200
GET /v1/platform/metrics                      403    403     403     403       403     200
GET /v1/subjects/{person}                     403    403     403     403       403     200
DELETE /v1/subjects/somebody-else             403    403     403     403       403     200
GET /v1/erasures/0c9bd1a2-4a57-4b8e-8a55-3f0f4de3d8a7 403 403 403 403 403 200
GET /v1/platform/summary                      403    403     403     403       403     200
POST /v1/query                                200    200     200     200       200     200 a_query
GET /v1/query/schema                          200    200     200     200       200     200
POST /v1/reports                              201    201     201     201       201     201 a_report
GET /v1/reports                               200    200     200     200       200     200
GET /v1/reports/{report}                      200    404     404     404       404     404
PUT /v1/reports/{report}                      200    404     404     404       404     404 another
GET /v1/reports/{report}/run                  200    404     404     404       404     404
POST /v1/reports/{report}/run                 200    404     404     404       404     404
POST /v1/exports                              403    403     403     403       403     202 an_export
GET /v1/exports                               403    403     403     403       403     200
GET /v1/exports/{export}                      403    403     403     403       403     200
GET /v1/exports/{export}/download              signed
DELETE /v1/exports/{deletable_export}         403    403     403     403       403     204
DELETE /v1/reports/{deletable_report}         204    404     404     404       404     404
GET /healthz                                  open
GET /readyz                                   open
GET /metrics                                  open
GET /docs                                     open
GET /openapi.json                             open
"""

BODIES: dict[str, Any] = {
    "a_query": {"metrics": ["views"]},
    "a_report": {"name": "views", "query": {"metrics": ["views"]}},
    "another": {"name": "clicks", "query": {"metrics": ["clicks"]}},
    "an_export": {"format": "csv", "period": "7d"},
}
CALLERS = {
    "owner": Caller("ana", "creator"),
    "other creator": Caller("ben", "creator"),
    "licensed brand": Caller("user-1", "brand", "acme"),
    "brand whose license expired": Caller("user-2", "brand", "lapsed"),
    "brand whose license has not begun": Caller("user-3", "brand", "early"),
    "admin": Caller("root", "admin"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `statuses` by caller; None of a call that needs no token."""

    method: str
    path: str
    statuses: dict[str, int] | None
    body: Any = None
    is_signed: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def lines() -> list[Line]:
    found = []
    for text in MATRIX.strip().splitlines():
        if text.startswith("#"):
            continue
        method, path, *rest = text.split(maxsplit=2)
        words = rest[0].split(maxsplit=len(CALLERS))
        if words in (["open"], ["signed"]):
            found.append(Line(method, path, None, is_signed=words == ["signed"]))
            continue
        statuses = dict(zip(CALLERS, map(int, words[: len(CALLERS)]), strict=True))
        body = BODIES[words[len(CALLERS)]] if len(words) > len(CALLERS) else None
        found.append(Line(method, path, statuses, body))
    return found


def world(connection: psycopg.Connection) -> dict[str, str]:
    """Make the things that the table names. Name → id."""
    today = utc_today()
    ids = {
        "asset": "mask", "project": "spring", "license": "l-1", "expired": "l-2",
        "person": "somebody",
        "creator": "ana", "brand": "acme",
        "report": _report(connection, "one"), "deletable_report": _report(connection, "two"),
        "export": _export(connection), "deletable_export": _export(connection),
    }  # fmt: skip
    on_asset = {"ip_asset_id": "mask", "occurred_at": datetime.now(UTC) - timedelta(hours=1)}
    terms = {
        "acme": ("l-1", "spring", {}),
        "lapsed": ("l-2", "autumn", {"ends_on": str(today - ONE_DAY)}),
        "early": ("l-3", "winter", {"starts_on": str(today + ONE_DAY)}),
    }
    events = [
        Event(event_type="asset_uploaded", actor_type="creator", actor_id="ana", **on_asset),
        Event(
            event_type="asset_uploaded", actor_type="creator", actor_id="ben",
            **{**on_asset, "ip_asset_id": "of ben"},
        ),
        *(
            Event(
                event_type=event_type, brand_id=brand, license_id=license_id, project_id=project,
                props_json=term, **on_asset,
            )
            for brand, (license_id, project, term) in terms.items()
            for event_type in ("project_created", "license_created")
        ),
        Event(event_type="asset_viewed", visitor_id="somebody", **on_asset),
    ]  # fmt: skip
    insert(connection, *events)
    connection.execute(ERASURE, ("0c9bd1a2-4a57-4b8e-8a55-3f0f4de3d8a7",))
    return ids


ERASURE = """
insert into ops.erasures (
    erasure_id, erased_at, subject_hash, removed, pseudonymised, days, rebuilt_days
) values (%s, now(), 'hash', '{}', '{}', '{}', '{}')
"""


def _report(connection: psycopg.Connection, name: str) -> str:
    """A report of the creator ana."""
    statement = """
    insert into ops.reports (owner_role, owner_id, name, query, created_by)
    values ('creator', 'ana', %s, '{"metrics": ["views"]}', 'ana') returning report_id::text
    """
    return str(connection.execute(statement, (name,)).fetchall()[0][0])


def _export(connection: psycopg.Connection) -> str:
    """An export whose file is gone already."""
    statement = """
    insert into ops.exports (
        requested_by, format, first_day, last_day, include_personal_data, storage, state
    )
    values ('root', 'csv', '2026-01-01', '2026-01-02', false, '/nowhere', 'expired')
    returning export_id::text
    """
    return str(connection.execute(statement).fetchall()[0][0])


def good_token(caller: Caller) -> str:
    return f"Bearer {issue(caller)}"


def bad_tokens() -> dict[str, str | None]:
    """Authorization headers that are nobody's, whatever they claim."""
    settings = get_settings()
    now = datetime.now(UTC)
    claims = {
        "sub": "root",
        "role": "admin",
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
        "exp": now + timedelta(hours=1),
    }

    def token(key: str | None = None, algorithm: str = "HS256", **changed: object) -> str:
        secret = signing_secret() if key is None else key
        return "Bearer " + jwt.encode({**claims, **changed}, secret, algorithm=algorithm)

    header, payload, _ = token().removeprefix("Bearer ").split(".")
    return {
        "no token": None,
        "expired": token(exp=now - timedelta(minutes=1)),
        "wrong audience": token(aud="somebody-else"),
        "wrong issuer": token(iss="somebody-else"),
        "alg none": token("", "none"),
        "forged": token("x" * 48),
        "without its signature": f"Bearer {header}.{payload}.",
    }

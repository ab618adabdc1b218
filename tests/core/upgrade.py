"""A small marketplace of four days, and what the dashboards API is asked about it.

Run with a released version, this file makes the database that `test_upgrade.py` migrates:

    export EVENTMILL_HOME=… EVENTMILL_RETENTION_DAYS=0 EVENTMILL_…_PORT=…   # all three
    eventmill up                                # of that version, in another terminal
    python -m tests.core.upgrade FOLDER
    pg_dump --no-owner "postgresql://eventmill@/eventmill?host=$EVENTMILL_HOME/postgres/socket" |
        xz -9e > FOLDER/eventmill.sql.xz

It sends events to the running system, builds the days, erases a person, waits until the days are
built again, and writes what the dashboards API then answers into FOLDER. It uses no code of the
project, only commands and APIs.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

SAMPLE = Path(__file__).parents[2] / "sample_data"
START, END = "2015-05-17", "2015-05-20"
DAYS = f"start={START}&end={END}"
DUMP, ANSWERS = "eventmill.sql.xz", "answers.json"
ASSET_PATTERN = r"^/(?:presentations|projects|blog)/(?P<ip_asset_id>[^/?]+)"
# Two of the log's assets, and one that only the events below name.
LOGSTASH, XDOTOOL, OAK = "logstash-monitorama-2013", "xdotool", "oak"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
)
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ERASED = "erin"

Event = dict[str, Any]


def server_events() -> list[Event]:
    """What the app's server sends: uploads, projects, licenses and their money, logins."""

    def event(at: str, kind: str, actor: str | None = None, **fields: Any) -> Event:
        actor_type, _, actor_id = (actor or "").partition(":")
        who = {"actor_type": actor_type, "actor_id": actor_id} if actor else {}
        return {"event_type": kind, "occurred_at": f"2015-05-{at}:00Z", **who, **fields}

    def license_of(number: int, brand: str, project: str, asset: str) -> Event:
        ids = {"license_id": f"l{number}", "brand_id": brand, "project_id": project}
        return {**ids, "ip_asset_id": asset}

    def money(cents: int, currency: str = "EUR", **more: str) -> Event:
        return {"props": {"revenue_cents": cents, "currency": currency, **more}}

    acme, kim, uma = "brand:kim", "user:kim-u", "user:uma"
    first, second = license_of(1, "acme", "spring", LOGSTASH), license_of(2, "zeta", "rival", OAK)
    third = license_of(3, "acme", "spring", XDOTOOL)
    term = {"starts_on": "2015-05-18", "ends_on": "2015-06-17"}
    title = {"props": {"title": "Logstash at Monitorama"}}
    return [
        event("17T08:00", "asset_uploaded", "creator:ana", ip_asset_id=LOGSTASH, **title),
        event("17T08:05", "asset_uploaded", "system:app", ip_asset_id=OAK, creator_id="ben"),
        event("17T08:06", "asset_uploaded", "creator:mallory", ip_asset_id=OAK),
        event("17T08:07", "asset_uploaded", "creator:ana", ip_asset_id=XDOTOOL),
        event("17T08:09", "asset_approved", "admin:root", ip_asset_id=OAK),
        event("17T09:00", "project_created", acme, project_id="spring", brand_id="acme"),
        event("17T09:01", "project_created", "brand:zoe", project_id="rival", brand_id="zeta"),
        event("17T09:30", "project_started", acme, project_id="spring", brand_id="acme"),
        event("18T10:00", "license_created", acme, **first, **money(120_000, **term)),
        event("18T11:00", "license_created", "brand:zoe", **second, **money(50_050, "USD")),
        event("18T12:00", "license_created", acme, **third, **money(9_999)),
        event("18T12:30", "license_signed", acme, **first),
        event("19T10:00", "license_renewed", acme, **first, **money(30_000)),
        event("20T11:00", "license_expired", "system:app", **second),
        event("20T12:00", "project_completed", acme, project_id="spring", brand_id="acme"),
        event("17T10:00", "user_signed_up", uma, anonymous_id="a-uma"),
        event("18T23:50", "asset_viewed", kim, ip_asset_id=LOGSTASH, project_id="spring"),
        event("19T00:10", "asset_downloaded", kim, ip_asset_id=LOGSTASH, project_id="spring"),
        *(
            event(f"{day}T1{hour}:00", "asset_viewed", f"user:{ERASED}", ip_asset_id=LOGSTASH)
            for day in (17, 19)
            for hour in range(3)
        ),
    ]


def browser_events() -> list[Event]:
    """What anybody's browser sends, with a publishable key: visits with campaigns, and a bot's."""
    campaigns: tuple[tuple[str, str, str | None], ...] = (
        ("google", "cpc", "Spring "), ("newsletter", "email", "may"), ("facebook", "social", None),
    )  # fmt: skip
    found = []
    for number in range(120):
        day, hour, minute = 17 + number % 4, 6 + number // 8, number * 7 % 60
        context: Event = {"user_agent": BOT if number % 15 == 0 else CHROME}
        if number % 3 == 0:
            source, medium, campaign = campaigns[number // 3 % 3]
            context["utm"] = {"source": source, "medium": medium, "campaign": campaign}
        else:
            context["referrer"] = ("https://www.google.com/", "https://t.co/x")[number % 2]
        anonymous = "a-uma" if number % 20 == 1 else f"a-{number % 23}"
        found.append(
            {
                "event_type": ("asset_viewed", "page_viewed", "cta_clicked")[number % 3],
                "occurred_at": f"2015-05-{day}T{hour:02}:{minute:02}:00Z",
                "anonymous_id": anonymous,
                "ip_asset_id": (LOGSTASH, OAK, XDOTOOL)[number % 3],
                "project_id": ("spring", "rival")[number % 2],
                "props": {"engagement_ms": number * 100},
                "context": {name: value for name, value in context.items() if value},
            }
        )
    return found


REFUSED: list[Event] = [
    {"event_type": "no_such_type", "anonymous_id": "a-1"},
    {"event_type": "license_created", "props": {"revenue_cents": -1}, "license_id": "l9"},
]
SEGMENT = {
    "batch": [
        {"type": "identify", "userId": "uma", "anonymousId": "a-uma-phone"},
        {
            "type": "track", "event": "asset_viewed", "userId": "uma",
            "timestamp": "2015-05-19T15:00:00Z", "properties": {"ip_asset_id": OAK},
        },
    ]
}  # fmt: skip

ADMIN, ANA, KIM = ("admin", "root", None), ("creator", "ana", None), ("brand", "kim", "acme")
_DASHBOARDS: list[tuple[tuple[str, str, str | None], str, Event | None]] = [
    (ADMIN, f"/v1/platform/metrics?{DAYS}", None),
    (ADMIN, f"/v1/platform/metrics?{DAYS}&interval=week", None),
    (ADMIN, f"/v1/platform/summary?{DAYS}&compare=previous", None),
    *((ADMIN, f"/v1/assets/{asset}/metrics?{DAYS}", None) for asset in (LOGSTASH, OAK, XDOTOOL)),
    (KIM, f"/v1/assets/{LOGSTASH}/metrics?{DAYS}", None),
    (ANA, f"/v1/creators/ana/dashboard?{DAYS}", None),
    (ADMIN, f"/v1/creators/ben/dashboard?{DAYS}", None),
    (KIM, f"/v1/brands/acme/campaigns?{DAYS}", None),
    (ADMIN, f"/v1/brands/zeta/campaigns?{DAYS}", None),
    (ANA, f"/v1/entities/ip_asset/{LOGSTASH}/events?{DAYS}&limit=30", None),
    (KIM, f"/v1/entities/project/spring/events?{DAYS}&limit=30", None),
    (ADMIN, "/v1/entities/license/l1/events", None),
    (ADMIN, "/v1/subjects/uma", None),
    (ADMIN, f"/v1/subjects/{ERASED}", None),
]


def _query(*metrics: str, by: tuple[str, ...], **more: Any) -> Event:
    days = {"start": START, "end": END}
    return {"metrics": metrics, "dimensions": by, "date_range": days, "limit": 1000, **more}


_NUMBERS = ("views", "clicks", "conversions", "revenue_cents", "unique_visitors", "events")
_CREDITS = ("credited_conversions", "credited_revenue_cents")
_DIMENSIONS = (
    ("channel",), ("source", "medium", "campaign"), ("country",), ("device", "browser", "os"),
    ("asset", "project"), ("date", "actor_type"),
)  # fmt: skip
QUESTIONS = [
    *_DASHBOARDS,
    *((ADMIN, "/v1/query", _query(*_NUMBERS, by=by)) for by in _DIMENSIONS),
    *(
        (ADMIN, "/v1/query", _query(*_CREDITS, by=("channel", "asset"), attribution_model=model))
        for model in ("first_touch", "last_non_direct", "linear", "time_decay")
    ),
    (ANA, "/v1/query", _query(*_NUMBERS, by=("asset",))),
    (KIM, "/v1/query", _query(*_NUMBERS, *_CREDITS, by=("campaign",))),
]
# What an answer says of itself, and of the moment at which it was asked.
_OF_THE_ANSWER = {"meta", "next_cursor"}


def ask(call: Callable[..., httpx.Response], token: Callable[..., str]) -> dict[str, Any]:
    """The answer to each of QUESTIONS; `call(method, path, headers=, json=)` asks a running API."""
    answers = {}
    for caller, path, body in QUESTIONS:
        answer = call(
            "GET" if body is None else "POST",
            path,
            headers={"Authorization": f"Bearer {token(*caller)}"},
            json=body,
        )
        name = f"{caller[1]} {path}" + (f" {json.dumps(body)}" if body else "")
        found = answer.json() if answer.is_success else {}
        if path.startswith("/v1/subjects/"):  # their rows hold when they were made
            found = {table: len(found.get(table, [])) for table in ("identities", "events")}
        kept = {key: value for key, value in found.items() if key not in _OF_THE_ANSWER}
        answers[name] = {"status": answer.status_code, **kept}
    return answers


def _eventmill(*arguments: str) -> str:
    result = subprocess.run(
        ["eventmill", *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return result.stdout.strip()


def _token(role: str, sub: str, brand: str | None) -> str:
    more = ("--brand-id", brand) if brand else ()
    return _eventmill("token", "--role", role, "--sub", sub, *more)


def _fill(ingest: str) -> None:
    secret = _eventmill("keys", "create", "server", "--kind", "secret")
    browser = _eventmill("keys", "create", "shop", "--kind", "publishable")

    def send(key: str, body: Event, path: str = "/v1/events") -> None:
        answer = httpx.post(f"{ingest}{path}", json=body, headers={"X-Write-Key": key}, timeout=60)
        print(answer.status_code, {k: v for k, v in answer.json().items() if k != "results"})

    send(secret, {"events": server_events()})
    send(browser, {"events": browser_events()})
    send(secret, {"events": REFUSED})
    send(secret, SEGMENT, "/v1/batch")
    with (
        gzip.open(SAMPLE / "apache_logs.log.gz", "rb") as log,
        tempfile.NamedTemporaryFile() as few,
    ):
        few.writelines(line for number, line in enumerate(log) if number % 4 == 0)
        few.flush()
        site = ("--site", "http://www.semicomplete.com", "--asset-pattern", ASSET_PATTERN)
        print(_eventmill("import", "access-log", few.name, *site))
    print(_eventmill("spend", "load", str(SAMPLE / "ad_spend.csv")))
    print(_eventmill("backfill", START, END))


def _erase(dashboards: str) -> None:
    headers = {"Authorization": f"Bearer {_token(*ADMIN)}"}
    erased = httpx.delete(
        f"{dashboards}/v1/subjects/{ERASED}", headers=headers, timeout=60
    ).raise_for_status()
    print(erased.json()["removed"])
    waiting = f"{dashboards}/v1/erasures/{erased.json()['erasure_id']}"
    while httpx.get(waiting, headers=headers).json()["rebuild"]["state"] != "built":
        time.sleep(1)
    left = "select count(*) from raw.touched_days"
    while _eventmill("psql", "--", "-Atc", left) != "0":
        time.sleep(1)


def main(folder: Path) -> None:
    """Fill the system that runs for this home, and write its answers."""
    ports = {n: os.environ[f"EVENTMILL_{n.upper()}_PORT"] for n in ("ingest", "dashboards")}
    ingest, dashboards = (f"http://127.0.0.1:{ports[n]}" for n in ("ingest", "dashboards"))
    _fill(ingest)
    _erase(dashboards)
    with httpx.Client(base_url=dashboards, timeout=60) as client:
        answers = ask(client.request, _token)
    lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in answers.items()]
    (folder / ANSWERS).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

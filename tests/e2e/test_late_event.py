"""An event that is 40 days late reaches its day's metrics, and nobody acts."""

import time
from datetime import datetime, timedelta
from typing import Any

import httpx

from eventmill.core.days import day_start, utc_today
from tests.e2e.conftest import RunningDemo
from tests.support import rows, scalar

ASSET = "late-asset"
HEALED_SECONDS = 500


def test_a_late_event_reaches_its_days_metrics_by_itself(demo: RunningDemo) -> None:
    day = utc_today() - timedelta(days=40)
    key = demo.shell("eventmill keys create late --kind secret").stdout.strip()
    token = demo.shell("eventmill token --role admin --sub late").stdout.strip()

    def send(at: datetime) -> None:
        answer = httpx.post(
            f"http://127.0.0.1:{demo.port('ingest')}/v1/events",
            json={
                "event_type": "asset_viewed",
                "ip_asset_id": ASSET,
                "anonymous_id": "late-visitor",
                "occurred_at": at.isoformat(),
            },
            headers={"X-Write-Key": key},
        )
        assert answer.json()["accepted"] == 1, answer.text

    def dashboard() -> Any:
        return httpx.get(
            f"http://127.0.0.1:{demo.port('dashboards')}/v1/assets/{ASSET}/metrics",
            params={"start": str(day), "end": str(day)},
            headers={"Authorization": f"Bearer {token}"},
        ).json()

    send(day_start(day) + timedelta(hours=1))
    backfill = demo.shell(f"eventmill backfill {day} {day}")
    assert backfill.returncode == 0, backfill.stderr
    before = dashboard()
    assert before["totals"]["views"] == 1

    send(day_start(day) + timedelta(hours=2))
    views = "select views from marts.daily_metrics where date = %s and ip_asset_id = %s"
    deadline = time.monotonic() + HEALED_SECONDS
    with demo.connect() as connection:
        assert scalar(connection, "select count(*) from raw.touched_days where day = %s", day) == 1
        waiting = "select count(*) from raw.touched_days where day = %s"
        while scalar(connection, waiting, day):
            assert time.monotonic() < deadline, "the day was not built again"
            time.sleep(0.5)  # the sensor looks every 30 s
        assert scalar(connection, views, day, ASSET) == 2
        reasons = "select reasons ->> %s from enrichment.builds where finished_at is not null"
        said = [reason for (reason,) in rows(connection, reasons, str(day)) if reason]
    assert said[-1] == f"1 late event, received {utc_today()}"
    after = dashboard()
    assert after["totals"]["views"] == 2
    assert after["meta"]["as_of"] > before["meta"]["as_of"]
    explained = demo.shell(f"eventmill explain daily_metrics --date {day} --asset {ASSET}")
    assert "because 1 event came late" in explained.stdout, explained.stderr

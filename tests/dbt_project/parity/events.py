"""Events of four days that are alike on both engines, and hard to read alike."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

FIRST = date(2024, 2, 26)
DAYS = 4
MICROSECONDS = 86_400 * 1_000_000
BOT, BROWSER, PHONE = "a crawler", "a browser", "a phone"

SOURCES = [
    {}, {}, {}, {}, {},
    {"referrer": "https://www.Google.de/search?q=a@b.c:1#x"},
    {"referrer": "HTTPS://user:secret@news.Example.com.:8080/ä"},
    {"referrer": "https://www.www.example.org?x"},
    {"referrer": "https://bücher.ÄRGER.example/"},
    {"referrer": "https://a b.example/"}, {"referrer": "https://a\u00a0b.example/"},
    {"referrer": "https://a\u2003b.example/"}, {"referrer": "https://a\x0bb.example/"},
    {"referrer": "https://<script>/"}, {"referrer": "https://[2001:db8::1]:80/"},
    {"referrer": "https://a\\b.example/"}, {"referrer": "https://a^b.example/"},
    {"referrer": f"https://www.{'x' * 249}/"}, {"referrer": f"https://{'y' * 254}/"},
    {"referrer": f"https://{random.Random(1).randbytes(4000).hex()}/"},  # too long for an index
    {"referrer": "https://a|b/"}, {"referrer": "https://"}, {"referrer": "-"}, {"referrer": ""},
    {"referrer": "android-app://com.google.android.gm/"},
    {"referrer": "https://chatgpt.com/"}, {"referrer": "https://shop.example/a"},
    {"referrer": "https://m.facebook.com/"}, {"referrer": "http://youtube.com"},
    {"utm_source": " Google ", "utm_medium": "CPC", "utm_campaign": "Spring", "utm_term": "İ I"},
    {"utm_source": "google", "utm_medium": "CPC", "utm_campaign": "SPRING "},
    {"utm_source": "Mail", "utm_medium": "email", "utm_campaign": "may"},
    {"utm_source": "mail", "utm_medium": "E-Mail", "utm_campaign": "(not set)"},
    {"utm_source": "\u00a0mail\u00a0", "utm_medium": "\tsocial", "utm_campaign": "ÄÖÜ ß"},
    {"utm_source": "shop", "utm_medium": "paid_x", "utm_campaign": "workshop"},
    {"utm_source": "x", "utm_medium": "cpm", "utm_campaign": "shopping\nday"},
    {"utm_campaign": "only"}, {"utm_source": ""}, {"utm_source": "(Not Set)"},
    {"utm_source": "partner", "utm_content": "  b ", "utm_term": ""},
    {"utm_medium": "web-push"}, {"utm_source": "alibaba"},
    {"click_id": "c", "landing_page": "https://shop.example/?GCLID=abc"},
    {"click_id": "c", "landing_page": "https://shop.example/?a=1&wbraid=abc"},
    {"click_id": "c", "landing_page": "https://shop.example/?fbclid=abc"},
]  # fmt: skip
PAGES = [None, "https://www.Shop.example:443/a", "https://shop.example/b", "https://shop.example/ç"]
# As JSON text: what PostgreSQL's jsonb takes, some of it no money.
MONEY = [
    "0", "1", "7", "100", "1299.0", "1.299e3", "12.9", "0.99", "99999", "123456789012345",
    "9007199254740991", "9007199254740992", "1e400", "-1", '"12"', "null", "true", "[1]", "{}",
]  # fmt: skip
CURRENCIES = [
    '"USD"',
    '"USD"',
    '"eur"',
    '"GBP"',
    '"dollars"',
    '"EURO"',
    '""',
    "null",
    "12",
    '"ıSK"',
]
TYPES = ["page_viewed"] * 6 + ["asset_viewed"] * 4 + [
    "asset_downloaded", "license_clicked", "license_created", "license_created",
    "license_renewed", "user_signed_up", "asset_uploaded", "asset_approved", "asset_rejected",
    "project_created", "project_started", "project_completed", "project_archived",
    "license_signed", "license_expired",
]  # fmt: skip
DATES = [None, None, "2024-01-01", "2024-02-28", "2024-02-29", "2024-02-30", "2024-03-01",
         "2024-06-30", "2023-13-01", "0000-01-01", "9999-12-31", "soon", "2024-1-1"]  # fmt: skip
ROLES = [None, None, "user", "creator", "brand", "admin", "system"]
# Between events of a visitor, in microseconds; around the pauses that end sessions.
PAUSES = [0, 0, 1, 1_000_000, 10_000_000, 10_000_500, 1_800_000_000, 1_800_000_001, 40_000_000_000,
          86_400_000_000, 86_400_000_001, 90_000_000_000]  # fmt: skip
COLUMNS = (
    "event_id", "occurred_at", "received_at", "event_type", "actor_type", "actor_id",
    "anonymous_id", "visitor_id", "session_id", "project_id", "ip_asset_id", "license_id",
    "brand_id", "creator_id", "props_json", "page_url", "landing_page", "referrer", "user_agent",
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "click_id", "country",
    "user_id", "trust",
)  # fmt: skip


def random_events(seed: int, visitors: int) -> list[dict[str, object]]:
    """Rows of raw.events by column name, in a random order."""
    chance = random.Random(seed)
    rows = [row for number in range(visitors) for row in _visitor(chance, number)]
    chance.shuffle(rows)
    return rows


def _visitor(chance: random.Random, number: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    at = chance.randrange(DAYS * MICROSECONDS)
    if chance.random() < 0.3:  # close to midnight
        at -= at % MICROSECONDS - chance.choice([0, 1, 600_000_000])
    ids = chance.choice([[None], ["s"], ["s", "t"], [None, "s"], [None, "ä", "t"]])
    agent = chance.choice([None, BROWSER, BROWSER, PHONE, BOT, "nobody knows it"])
    role = chance.choice(ROLES)
    while at < DAYS * MICROSECONDS and len(rows) < chance.choice([1, 3, 8, 20]):
        rows.append(_event(chance, number, at, chance.choice(ids), agent, role))
        at += chance.choice([*PAUSES, chance.randrange(7_200_000_000)])
    return rows


def _event(
    chance: random.Random, number: int, at: int, session: str | None, agent: str | None,
    role: str | None,
) -> dict[str, object]:  # fmt: skip
    kind = chance.choice(TYPES)
    moment = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(microseconds=at)
    logged_in = role is not None and chance.random() < 0.5
    anonymous = None if chance.random() < 0.2 else f"anon-{number}"
    actor = f"{role}-{number % 7}" if logged_in else None
    event_id = UUID(int=chance.getrandbits(128))
    return {
        "event_id": event_id,
        "trust": event_id.int % 3 + 1,
        "user_id": f"user-{number % 7}" if event_id.int % 11 == 0 else None,
        "occurred_at": moment,
        "received_at": moment + timedelta(seconds=chance.choice([0, 1, 100_000])),
        "event_type": kind,
        "actor_type": role if logged_in else None,
        "actor_id": actor,
        "anonymous_id": anonymous,
        "visitor_id": actor or anonymous or f"hash-{number}",
        "session_id": session,
        "project_id": chance.choice([None, "p1", "p2", "π"]),
        "ip_asset_id": chance.choice([None, "a1", "a2", "a3", "Ä"]),
        "license_id": chance.choice([None, None, "l1", "l2", "l3"]),
        "brand_id": chance.choice([None, "b1", "b2"]),
        "creator_id": chance.choice([None, "c1"]),
        "props_json": _props(chance, kind),
        "page_url": chance.choice(PAGES),
        "user_agent": agent,
        "country": chance.choice([None, "DE", "US"]),
        "landing_page": chance.choice(PAGES),
        **chance.choice(SOURCES),
    }


def _props(chance: random.Random, kind: str) -> str:
    members = {}
    if kind.startswith("license_"):
        members = {"revenue_cents": chance.choice(MONEY), "currency": chance.choice(CURRENCIES)}
        for name in ("starts_on", "ends_on"):
            members[name] = json.dumps(chance.choice(DATES))
        members["territory"] = '"world"'
    elif chance.random() < 0.5:
        members = {"engagement_ms": chance.choice(["0", "6000", "10001", "10000.5", *MONEY])}
        members["title"] = chance.choice(['"A \\"title\\""', "null", '"Ü"'])
    pairs = [f'"{name}": {value}' for name, value in members.items() if value != "null"]
    return "{" + ", ".join(pairs) + "}"

"""One day of made-up events, the same for the same seed, written straight into raw.

The shape is that of a busy marketplace: assets by Zipf's law, several events a visitor, one event
in ten by a bot. The rows are made by the server, so a million take seconds and no client memory.
"""

from collections.abc import Iterator
from datetime import date

import psycopg

from eventmill.core.days import DayWindow

ASSETS = 20_000
VISITORS = 200_000
BOTS = 2_000
PROJECTS = 2_000
LICENSES = 5_000
REFERRING_SITES = 2_000

REFERRERS = (
    *("https://www.google.com/",) * 8,
    "https://www.bing.com/search?q=license+art",
    "https://duckduckgo.com/",
    "https://www.facebook.com/",
    "https://l.instagram.com/",
    "https://t.co/Zx81bQ",
    "https://www.reddit.com/r/design/comments/1",
    "https://www.youtube.com/watch?v=abc",
    "https://chatgpt.com/",
)


def user_agents() -> tuple[list[str], list[str]]:
    """About 3,000 headers of people's browsers and 60 of bots, in a fixed order."""
    systems = (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "Linux; Android 14; Pixel 8",
        "Linux; Android 13; SM-G991B",
    )
    webkit = "AppleWebKit/537.36 (KHTML, like Gecko)"
    people = [
        f"Mozilla/5.0 ({system}) {webkit} Chrome/{major}.0.{build}.0"
        f"{' Mobile' if 'Android' in system else ''} Safari/537.36"
        for system in systems
        for major in range(100, 140)
        for build in range(4896, 4896 + 14)
    ]
    people += [
        f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) AppleWebKit/605.1.15"
        f" (KHTML, like Gecko) Version/{major}.{minor} Mobile/15E148 Safari/604.1"
        for major in range(14, 19)
        for minor in range(8)
    ]
    people += [
        f"Mozilla/5.0 ({system}; rv:{major}.0) Gecko/20100101 Firefox/{major}.0"
        for system in systems[:3]
        for major in range(78, 140)
    ]
    bots = [
        f"Mozilla/5.0 (compatible; {name}/{version}; +https://example.com/bot.html)"
        for name in ("Googlebot", "bingbot", "AhrefsBot", "SemrushBot", "GPTBot", "YandexBot")
        for version in ("2.0", "2.1", "3.0", "4.0", "5.0", "6.0", "7.0", "7.1", "8.0", "9.0")
    ]
    return people, bots


def referring_domains() -> Iterator[str]:
    """Every domain that the referrers of the generated events have."""
    for url in dict.fromkeys(REFERRERS):
        yield url.split("/")[2].removeprefix("www.")
    for number in range(REFERRING_SITES):
        yield f"site{number}.example.net"


def generate_day(
    connection: psycopg.Connection,
    day: date,
    events: int,
    seed: int,
    *,
    enrich: bool = False,
    analyze: bool = True,
) -> int:
    """Write `events` events of the UTC day `day` into raw.events and raw.event_ids.

    `connection` may be in autocommit mode; all is one transaction. With `enrich` the rows of the
    enrichment tables are written too; without, they are left to the pipeline. Who makes many
    days analyzes once, after the last. Returns `events`.
    Raises psycopg.errors.UniqueViolation if the same day and seed were generated before.
    """
    people, bots = user_agents()
    window = DayWindow(day, day)
    with connection.transaction():
        connection.execute("select raw.ensure_partition(%s)", (day,))
        connection.execute(
            EVENTS,
            {
                "start": window.start,
                "events": events,
                "seed": seed,
                "people": people,
                "bots": bots,
                "referrers": list(REFERRERS),
            },
        )
        if enrich:
            # Not at the top: classifying needs parsers that a caller without `enrich` does without.
            from tests.enrichment import store_referrers, store_user_agents

            store_user_agents(connection, [*people, *bots])
            store_referrers(connection, list(referring_domains()))
    if analyze:
        connection.execute("analyze raw.events")
    return events


# One number in [0, 1) each, which depends on the seed and the row only.
DRAWS = ("time", "type", "bot", "visitor", "asset", "project", "license", "utm", "referrer")
RANDOM = ",\n        ".join(
    f"(hashint8extended(i, %(seed)s * 100 + {number}) & 1073741823) / 1073741824.0::float8"
    f" as r_{name}"
    for number, name in enumerate(DRAWS, start=1)
)
EVENT_ID = """(
        lpad(to_hex((extract(epoch from occurred_at) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(%(seed)s::text || ':' || i::text), 1, 3)
        || '8' || substr(md5(%(seed)s::text || ':' || i::text), 5, 15)
    )::uuid"""

EVENTS = f"""
with numbers as (
    select
        i,
        {RANDOM},
        hashint8extended(i, %(seed)s * 100 + 10) as bits
    from generate_series(1, %(events)s::bigint) as i
),

drawn as (
    select
        *,
        -- In order of time, as events arrive, each a little late.
        %(start)s::timestamptz
        + least((i - 1 + r_time) / %(events)s, 0.999999) * interval '1 day' as occurred_at,
        r_bot < 0.1 as is_bot,
        case
            when r_bot < 0.1 then floor(r_visitor * {BOTS})
            else floor(power(r_visitor, 1.2) * {VISITORS})
        end::bigint as visitor,
        case
            when r_type < 0.55 then 'asset_viewed'
            when r_type < 0.84 then 'page_viewed'
            when r_type < 0.89 then 'asset_downloaded'
            when r_type < 0.93 then 'license_clicked'
            when r_type < 0.96 then 'search_performed'
            when r_type < 0.99 then 'cta_clicked'
            when r_type < 0.997 then 'license_created'
            else 'license_renewed'
        end as event_type
    from numbers
),

ids as (
    insert into raw.event_ids (event_id, occurred_at)
    select
    {EVENT_ID},
        occurred_at
    from drawn
)

insert into raw.events (
    event_id, occurred_at, received_at, sent_at, source, event_type, actor_type, actor_id,
    anonymous_id, visitor_id, session_id, project_id, ip_asset_id, license_id, props_json, page_url,
    landing_page, referrer, user_agent, utm_source, utm_medium, utm_campaign, country, created_at
)
select
    {EVENT_ID},
    occurred_at,
    occurred_at + r_time * interval '3 seconds',
    occurred_at + r_time * interval '2 seconds',
    'web',
    event_type,
    case when not is_bot and visitor %% 4 = 0 then 'user' end,
    case when not is_bot and visitor %% 4 = 0 then 'user_' || visitor end,
    case when is_bot or visitor %% 4 != 0 then md5(is_bot::text || visitor) end,
    case
        when not is_bot and visitor %% 4 = 0 then 'user_' || visitor
        else md5(is_bot::text || visitor)
    end,
    's_' || md5(visitor || ':' || %(seed)s || ':' || floor(i * 2 / %(events)s)),
    case
        when r_project < 0.15 then 'project_' || floor(power(r_project / 0.15, 2) * {PROJECTS})
    end,
    case
        when event_type like 'asset_%%' or event_type in ('license_clicked', 'license_created')
            then 'asset_' || floor(exp(r_asset * ln({ASSETS}::float8)))
    end,
    case when r_license < 0.05 then 'license_' || floor(r_license / 0.05 * {LICENSES}) end,
    case
        when event_type in ('license_created', 'license_renewed')
            then jsonb_build_object(
                'revenue_cents', 1000 + (bits & 65535), 'currency', 'USD'
            )
        when bits & 3 = 0 then jsonb_build_object('engagement_ms', (bits >> 8) & 65535)
        else '{{}}'
    end,
    'https://market.example.com/assets/' || floor(exp(r_asset * ln({ASSETS}::float8))),
    'https://market.example.com/' || case when bits & 1 = 0 then '' else 'collections/new' end,
    case
        when r_referrer < 0.10 then 'https://market.example.com/collections/' || (bits & 255)
        when r_referrer < 0.40
            then (%(referrers)s::text[])[1 + (bits & 1048575) %% {len(REFERRERS)}]
        when r_referrer < 0.50
            then 'https://site' || floor(power((r_referrer - 0.4) * 10, 2) * {REFERRING_SITES})
                || '.example.net/posts/' || (bits & 1023)
    end,
    case
        when is_bot
            then (%(bots)s::text[])[1 + visitor %% cardinality(%(bots)s::text[])]
        else
            (%(people)s::text[])[
                1 + (hashint8(visitor) & 1048575) %% cardinality(%(people)s::text[])
            ]
    end,
    case
        when r_utm < 0.2 then (array['google', 'facebook', 'newsletter', 'instagram', 'partner'])[
            1 + (bits & 1048575) %% 5
        ]
    end,
    case
        when r_utm < 0.2 then (array['cpc', 'social', 'email', 'paid_social', 'affiliate'])[
            1 + (bits & 1048575) %% 5
        ]
    end,
    case when r_utm < 0.2 then 'campaign_' || (bits & 63) end,
    (array['US', 'DE', 'GB', 'FR', 'JP', 'BR'])[1 + visitor %% 6],
    occurred_at + interval '3 seconds'
from drawn
"""

"""Descriptions and examples for field names that mean the same everywhere, for the OpenAPI page.

A field with a description of its own keeps it.
"""

from eventmill.core.registry import COLUMNS

GLOSSARY: dict[str, tuple[str, object]] = {
    **{name: (column.about, column.example) for name, column in COLUMNS.items()},
    "created_at": ("When it was stored or made.", "2015-05-20T21:05:16Z"),
    "updated_at": ("When it was changed last.", "2015-05-21T08:00:00Z"),
    "requested_at": ("When it was asked for.", "2015-05-21T08:00:00Z"),
    "finished_at": ("When it was finished; null before.", "2015-05-21T08:00:07Z"),
    "expires_at": ("Until when it is kept.", "2015-05-28T08:00:07Z"),
    "asset_id": ("The `ip_asset_id` of its events.", "logstash-puppetconf-2012"),
    "entity_type": ("What the id names.", "ip_asset"),
    "entity_id": ("The id in its events.", "logstash-puppetconf-2012"),
    "export_id": ("The export's id.", "019f1c5e-0a31-7c5e-9b1d-0d8f7a1f2b11"),
    "referrer_domain": ("The site that the visit came from.", "google.com"),
    "start": ("First UTC day, inclusive.", "2015-05-17"),
    "end": ("Last UTC day, inclusive.", "2015-05-20"),
    "cursor": ("`next_cursor` of the page before.", "AASFNjQ3AEABnxxeCjF8XpsdDY96HysR"),
    "next_cursor": ("`cursor` of the next page; null on the last.", None),
    "limit": ("How many at most.", 50),
    "offset": ("How many are left out at the beginning.", 0),
    "range": ("The days that it is about.", None),
}

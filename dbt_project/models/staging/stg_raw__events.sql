{#- All columns of an event as ingest knows them (eventmill/core/registry.py).
    No WITH clause: PostgreSQL then treats this view as if its query stood in the reader's own. -#}
select
    events.*,
    {{ url_host('events.referrer') }} as referrer_domain
from {{ source('raw', 'events') }} as events

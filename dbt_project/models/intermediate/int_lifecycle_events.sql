with events as (
    select
        *,
        props_json ->> 'starts_on' as starts_on_text,
        props_json ->> 'ends_on' as ends_on_text
    from {{ source('raw', 'lifecycle_events') }}
),

parsed as (
    select
        *,
        {{ iso_date('starts_on_text') }} as starts_on,
        {{ iso_date('ends_on_text') }} as ends_on
    from events
)

select
    event_id,
    event_type,
    actor_type,
    actor_id,
    creator_id,
    brand_id,
    project_id,
    ip_asset_id,
    license_id,
    coalesce(props_json ->> 'title', props_json ->> 'name') as title,
    props_json ->> 'asset_type' as asset_type,
    props_json ->> 'license_type' as license_type,
    props_json ->> 'territory' as territory,
    starts_on,
    ends_on,
    (starts_on_text is null or starts_on is not null)
    and (ends_on_text is null or ends_on is not null) as is_term_readable,
    occurred_at,
    received_at
from parsed

{{
    config(
        event_time='date',
        indexes=[{'columns': ['date']}],
    )
}}

with entity_days as (
    select * from {{ ref('int_entity_days') }}
),

replaced as (
    {% if is_incremental() -%}
    select project_id, ip_asset_id, license_id, created_at
    from {{ this }}
    where date = {{ batch_day() }}
    {%- else -%}
    select
        null::text as project_id,
        null::text as ip_asset_id,
        null::text as license_id,
        null::timestamptz as created_at
    where false
    {%- endif %}
)

select
    entity_days.date,
    entity_days.project_id,
    entity_days.ip_asset_id,
    entity_days.license_id,

    entity_days.views,
    entity_days.clicks,
    entity_days.conversions,
    entity_days.revenue_cents,
    entity_days.unique_visitors,
    entity_days.engagement_time,
    jsonb_concat(
        jsonb_build_object(
            'bot_events', entity_days.bot_events, 'bot_visitors', entity_days.bot_visitors
        ),
        case
            when entity_days.other_revenue is null then '{}'::jsonb
            else jsonb_build_object('other_revenue', entity_days.other_revenue)
        end
    ) as metadata,

    coalesce(replaced.created_at, now()) as created_at,
    now() as updated_at
from entity_days
left join replaced on {{ same_entity('entity_days', 'replaced') }}

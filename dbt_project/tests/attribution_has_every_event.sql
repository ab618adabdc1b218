{#-
  Raw against marts: attribution has every event that was stored when its build began, and none that
  is not in raw. Those that came since may or may not be in it; they wait in raw.touched_days.
-#}
with watermarks as (
    select
        coalesce(
            (
                select watermark
                from {{ source('enrichment', 'builds') }}
                where build_id = {{ running_build() }}
            ),
            now() - interval '1 minute'
        ) as watermark
),

received as (
    select
        (events.occurred_at at time zone 'UTC')::date as date,
        count(*) as events_now,
        count(*) filter (where events.created_at < watermarks.watermark) as events_settled
    from {{ ref('stg_raw__events') }} as events
    cross join watermarks
    where {{ built_window('events.occurred_at', ref('attribution')) }}
    group by 1
),

built as (
    select
        (occurred_at at time zone 'UTC')::date as date,
        count(*) as events
    from {{ ref('attribution') }}
    where {{ built_window('occurred_at', ref('attribution')) }}
    group by 1
)

select
    coalesce(received.date, built.date) as date,
    received.events_settled,
    built.events,
    received.events_now
from received
full join built on received.date = built.date
where
    coalesce(built.events, 0) < coalesce(received.events_settled, 0)
    or coalesce(built.events, 0) > coalesce(received.events_now, 0)

{#-
  The platform's row of each built day against a plain sum over the day's events. Events go on
  arriving late while a day is built and tested, so the row must lie between the sum of what was there
  a minute before the build began and the sum of what is there now.
-#}
{%- set metrics = {
    'views': 'views',
    'clicks': 'clicks',
    'conversions': 'conversions',
    'revenue_cents': 'revenue_cents',
    'engagement_time': 'engagement_ms',
} -%}

with platform as (
    select
        *,
        (metadata ->> 'bot_events')::bigint as bot_events,
        least(updated_at, '{{ run_started_at }}') - interval '1 minute' as settled_at
    from {{ ref('daily_metrics') }}
    where
        {{ built_window('date', ref('daily_metrics')) }}
        and project_id is null
        and ip_asset_id is null
        and license_id is null
),

events as (
    select
        *,
        (occurred_at at time zone 'UTC')::date as date
    from {{ ref('int_events') }}
    where {{ built_window('occurred_at', ref('attribution')) }}
),

settled as (
    select
        events.*,
        events.created_at < platform.settled_at as is_settled
    from events
    inner join platform on events.date = platform.date
),

-- Only those of settled events: two visitors may turn out to be one at any moment, so that fewer
-- now is no fault.
visitors as (
    select
        date,
        count(*) as unique_visitors
    from (
        select distinct
            date,
            visitor_id
        from settled
        where is_counted and is_settled
    ) as seen
    group by date
),

sums as (
    select
        date,
        {% for metric, column in metrics.items() -%}
        sum({{ column }}) filter (where is_counted) as {{ metric }}_now,
        sum({{ column }}) filter (where is_counted and is_settled) as {{ metric }}_settled,
        {% endfor -%}
        count(*) filter (where not is_counted) as bot_events_now,
        count(*) filter (where not is_counted and is_settled) as bot_events_settled
    from settled
    group by date
)

select
    platform.date,
    to_jsonb(platform) as built,
    to_jsonb(sums) as counted,
    to_jsonb(visitors) as counted_visitors
from platform
left join sums on platform.date = sums.date
left join visitors on platform.date = visitors.date
where
    false
    {% for metric in metrics.keys() | list + ['bot_events'] -%}
    or platform.{{ metric }} < coalesce(sums.{{ metric }}_settled, 0)
    or platform.{{ metric }} > coalesce(sums.{{ metric }}_now, 0)
    {% endfor -%}
    or platform.unique_visitors < coalesce(visitors.unique_visitors, 0)

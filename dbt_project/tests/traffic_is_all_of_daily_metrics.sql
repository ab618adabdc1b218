{#- Each way to cut the platform's traffic adds up to the platform's row of daily_metrics. -#}
{%- set sums = ['views', 'clicks', 'conversions', 'revenue_cents', 'engagement_time'] -%}
with platform as (
    select * from {{ ref('daily_metrics') }}
    where
        {{ built_window('date', ref('daily_metrics')) }}
        and project_id is null and ip_asset_id is null and license_id is null
),

cuts as (
    select
        date,
        'traffic_daily' as cut,
        {{ traffic_sums() }}
    from {{ ref('traffic_daily') }}
    where {{ built_window('date', ref('traffic_daily')) }}
    group by date
    {%- if target.type == 'postgres' %}
    union all
    select
        date,
        grain as cut,
        {{ traffic_sums() }}
    from {{ ref('int_traffic_days') }}
    where grain <> 'asset_channel' and {{ built_window('date', ref('int_traffic_days')) }}
    group by date, grain
    {%- endif %}
)

select
    platform.date,
    cuts.cut
from platform
left join cuts on platform.date = cuts.date
where
    (cuts.date is null and platform.unique_visitors > 0)
    {% for sum in sums -%}
    or least(cuts.{{ sum }}, 9223372036854775807) <> platform.{{ sum }}
    {% endfor %}

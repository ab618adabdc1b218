{#- No number is negative, and no entity has more of anything than the whole platform. -#}
{%- set metrics = [
    'views', 'clicks', 'conversions', 'revenue_cents', 'unique_visitors', 'engagement_time',
] -%}

with entities as (
    select *
    from {{ ref('daily_metrics') }}
    where {{ built_window('date', ref('daily_metrics')) }}
),

-- One row a day. Inlined, and with statistics of before the build, it is looked for once for each
-- entity: minutes for 100,000 of them instead of 0.1 s.
platform as materialized (
    select *
    from entities
    where project_id is null and ip_asset_id is null and license_id is null
)

select entities.*
from entities
left join platform on entities.date = platform.date
where
    platform.date is null
    {%- for metric in metrics %}
    or entities.{{ metric }} < 0
    or entities.{{ metric }} > platform.{{ metric }}
    {%- endfor %}

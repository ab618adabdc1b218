{#-
  What was counted of an asset within projects is at most what was counted of the asset, and of any
  entity at most what was counted of the platform. Sums are compared with the sum of the parts,
  visitors, who may be in several parts, with the largest.
-#}
{%- set sums = [
    'views', 'clicks', 'conversions', 'revenue_cents', 'engagement_time', 'bot_events',
] -%}
{%- set visitors = ['unique_visitors', 'bot_visitors'] -%}

with built as (
    select * from {{ ref('int_entity_days') }}
    where {{ built_window('date', ref('int_entity_days')) }}
),

parts as (
    {%- for id in ['ip_asset_id', 'project_id'] %}
    -- Of each {{ id }}, over the rows that name an asset and a project.
    select
        date,
        '{{ id }}' as whole,
        {{ id }} as id,
        {% for sum in sums -%}
        sum({{ sum }}) as {{ sum }},
        {% endfor -%}
    {% for number in visitors -%}
    max({{ number }}) as {{ number }}{{ ',' if not loop.last }}
    {% endfor %}
    from built
    where project_id is not null and ip_asset_id is not null
    group by date, {{ id }}
    union all
    {%- endfor %}
    {%- for id in ['ip_asset_id', 'project_id', 'license_id'] %}
    -- Of the platform, over the rows of one {{ id }} each.
    select
        date,
        'platform' as whole,
        null::text as id,
        {% for sum in sums -%}
        sum({{ sum }}) as {{ sum }},
        {% endfor -%}
    {% for number in visitors -%}
    max({{ number }}) as {{ number }}{{ ',' if not loop.last }}
    {% endfor %}
    from built
    where {{ id }} is not null and num_nonnulls(project_id, ip_asset_id, license_id) = 1
    group by date
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

wholes as (
    select
        *,
        case
            when ip_asset_id is not null then 'ip_asset_id'
            when project_id is not null then 'project_id'
            else 'platform'
        end as whole,
        coalesce(ip_asset_id, project_id) as id
    from built
    where
        license_id is null
        and (project_id is null or ip_asset_id is null)
)

select
    parts.date,
    parts.whole,
    parts.id
from parts
left join wholes
    on
        parts.date = wholes.date
        and parts.whole = wholes.whole
        and coalesce(parts.id, '') = coalesce(wholes.id, '')
where
    wholes.date is null
    {% for number in sums + visitors -%}
    -- A sum past bigint was cut off at its end.
    or least(parts.{{ number }}, 9223372036854775807) > wholes.{{ number }}
    {% endfor %}

{#- The ids that name an entity. A license never comes with another id. -#}
{%- set grains = [
    [],
    ['project_id'],
    ['ip_asset_id'],
    ['license_id'],
    ['project_id', 'ip_asset_id'],
] -%}

with events as (
    select
        project_id,
        ip_asset_id,
        license_id,
        visitor_id,
        is_counted,
        views,
        clicks,
        conversions,
        revenue_cents,
        amount_cents,
        case
            when amount_cents > 0 and currency <> platform_currency then currency
        end as currency,
        engagement_ms
    from {{ ref('int_events') }}
),

-- Materialized, or the look-up would be one for each event. Visitors without a number arrived
-- during this build. They join the sets when the day is built again for their late event.
numbered as materialized (
    select
        seen.visitor_id,
        {{ visitor_number('seen.visitor_id') }} as visitor_number
    from (select distinct visitor_id from events) as seen
),

visits as materialized (
    select
        events.project_id,
        events.ip_asset_id,
        events.license_id,
        numbered.visitor_number,
        events.is_counted
    from events
    inner join numbered on events.visitor_id = numbered.visitor_id
    where numbered.visitor_number is not null
),

-- Visitors apart from sums, which then need no place for each visitor of each entity.
totals as (
    {%- for ids in grains %}
    select
        {{ ('sums.project_id' if 'project_id' in ids else 'null::text') ~ ' as project_id' }},
        {{ ('sums.ip_asset_id' if 'ip_asset_id' in ids else 'null::text') ~ ' as ip_asset_id' }},
        {{ ('sums.license_id' if 'license_id' in ids else 'null::text') ~ ' as license_id' }},
        sums.views,
        sums.clicks,
        sums.conversions,
        sums.revenue_cents,
        sums.engagement_time,
        sums.bot_events,
        sets.unique_visitors,
        sets.bot_visitors,
        sets.visitors
    from (
        select
            {{ ids | join(', ') ~ ',' if ids }}
            sum(views) filter (where is_counted) as views,
            sum(clicks) filter (where is_counted) as clicks,
            sum(conversions) filter (where is_counted) as conversions,
            sum(revenue_cents) filter (where is_counted) as revenue_cents,
            sum(engagement_ms) filter (where is_counted) as engagement_time,
            count(*) filter (where not is_counted) as bot_events
        from events
        where {{ (ids or ['visitor_id']) | join(' is not null and ') }} is not null
        {{ 'group by ' ~ ids | join(', ') if ids }}
        having count(*) > 0
    ) as sums
    left join (
        select
            {{ ids | join(', ') ~ ',' if ids }}
            count(*) filter (where is_counted) as unique_visitors,
            count(*) filter (where not is_counted) as bot_visitors,
            {{ packed_visitors('visitor_number', 'is_counted') }} as visitors
        from (
            select distinct {{ (ids + ['visitor_number', 'is_counted']) | join(', ') }}
            from visits
            where {{ (ids or ['visitor_number']) | join(' is not null and ') }} is not null
        ) as visited
        {{ 'group by ' ~ ids | join(', ') if ids }}
    ) as sets
        on
            {% for id in ids %}sums.{{ id }} = sets.{{ id }}
            and {% endfor %}true
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

other_money as (
    select
        project_id,
        ip_asset_id,
        license_id,
        currency,
        {{ bigint('sum(amount_cents)') }} as cents
    from events
    where is_counted and currency is not null
    group by {{ entity_sets(grains, 'currency') }}
    having {{ is_of_an_entity() }}
),

other_revenue as (
    select
        project_id,
        ip_asset_id,
        license_id,
        {{ json_object_of_rows('currency', 'cents') }} as other_revenue
    from other_money
    group by project_id, ip_asset_id, license_id
)

select
    {{ batch_day() }} as date,
    totals.project_id,
    totals.ip_asset_id,
    totals.license_id,

    {{ bigint('totals.views') }} as views,
    {{ bigint('totals.clicks') }} as clicks,
    {{ bigint('totals.conversions') }} as conversions,
    {{ bigint('totals.revenue_cents') }} as revenue_cents,
    {{ bigint('totals.engagement_time') }} as engagement_time,
    coalesce(totals.unique_visitors, 0) as unique_visitors,
    totals.bot_events,
    coalesce(totals.bot_visitors, 0) as bot_visitors,
    other_revenue.other_revenue,
    coalesce(totals.visitors, ''::bytea) as visitors
from totals
left join other_revenue on {{ same_entity('totals', 'other_revenue') }}

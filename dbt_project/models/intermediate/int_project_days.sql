{{
    config(
        event_time='date',
        indexes=[
            {'columns': ['project_id', 'date']},
            {'columns': ['date']},
        ],
    )
}}

{%- set columns = ['project_id', 'ip_asset_id', 'campaign'] %}

with traffic as (
    select * from {{ ref('traffic_daily') }}
    where project_id is not null
),

sums as (
    select
        {{ columns | join(', ') }},
        {{ traffic_sums() }}
    from traffic
    group by {{ columns | join(', ') }}
),

sets as (
    select
        {{ columns | join(', ') }},
        count(*) as unique_visitors,
        string_agg(int4send(visitor_number), ''::bytea) as visitors
    from (
        select distinct
            {{ columns | join(', ') }},
            visitor_number
        from traffic
        where visitor_number is not null
    ) as visited
    group by {{ columns | join(', ') }}
)

select
    {{ batch_day() }} as date,
    sums.project_id,
    sums.ip_asset_id,
    sums.campaign,
    {{ traffic_sums('sums') }},
    coalesce(sets.unique_visitors, 0) as unique_visitors,
    coalesce(sets.visitors, ''::bytea) as visitors
from sums
left join sets on {{ same_values(columns, 'sums', 'sets') }}
-- The rows of a project lie side by side within a day, so that a brand's are on few pages.
order by sums.project_id

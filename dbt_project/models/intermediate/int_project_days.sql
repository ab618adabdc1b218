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
)

select
    {{ batch_day() }} as date,
    sums.project_id,
    sums.ip_asset_id,
    sums.campaign,
    {{ traffic_sums('sums') }},
    coalesce(sets.unique_visitors, 0) as unique_visitors,
    coalesce(sets.visitors, ''::bytea) as visitors
from {{ traffic_by(columns, 'project_id is not null') }}
-- The rows of a project lie side by side within a day, so that a brand's are on few pages.
order by sums.project_id

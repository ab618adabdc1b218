{{
    config(
        event_time='date',
        indexes=[
            {'columns': ['ip_asset_id', 'date']},
            {'columns': ['project_id', 'date']},
            {'columns': ['date']},
        ],
    )
}}

with events as (
    select * from {{ unfiltered(ref('int_traffic')) }}
    where occurred_at >= {{ batch_start() }} and occurred_at < {{ batch_start(1) }}
),

visits as (
    select
        visitor_id,
        {%- for dimension in traffic_dimensions() %}
        {{ dimension }},
        {%- endfor %}
        {{ traffic_sums() }}
    from events
    group by visitor_id, {{ traffic_dimensions() | join(', ') }}
),

-- As in int_entity_days: a look-up in an index for each visitor of the day, not for each row.
numbered as materialized (
    select
        seen.visitor_id,
        {{ visitor_number('seen.visitor_id') }} as visitor_number
    from (select distinct visitor_id from visits) as seen
)

select
    {{ batch_day() }} as date,
    {%- for dimension in traffic_dimensions() %}
    visits.{{ dimension }},
    {%- endfor %}
    numbered.visitor_number,
    {{ traffic_sums('visits') }}
from visits
inner join numbered on visits.visitor_id = numbered.visitor_id
-- An asset's rows of a day lie side by side, so that a range of days of a creator reads few pages.
order by visits.ip_asset_id, visits.project_id

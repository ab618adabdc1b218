{{
    config(
        event_time='date',
        indexes=[
            {'columns': ['grain', 'ip_asset_id', 'date']},
            {'columns': ['date']},
        ],
    )
}}

with traffic as (
    select * from {{ ref('traffic_daily') }}
),

rollups as (
    {%- for grain, columns in traffic_rollups().items() %}
    select
        {{ batch_day() }} as date,
        '{{ grain }}' as grain,
        {%- for dimension in traffic_dimensions() if dimension in rolled_up_dimensions() %}
        {{ 'sums.' ~ dimension if dimension in columns else 'null::text' }} as {{ dimension }},
        {%- endfor %}
        {{ traffic_sums('sums') }},
        coalesce(sets.unique_visitors, 0) as unique_visitors,
        coalesce(sets.visitors, ''::bytea) as visitors
    {%- set condition = 'ip_asset_id is not null' if 'ip_asset_id' in columns else 'true' %}
    from {{ traffic_by(columns, condition) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

-- The rows of an asset lie side by side within a day, so that a creator's are on few pages.
select * from rollups
order by grain, ip_asset_id

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
        {%- for dimension in traffic_dimensions() if dimension != 'project_id' %}
        {{ 'sums.' ~ dimension if dimension in columns else 'null::text' }} as {{ dimension }},
        {%- endfor %}
        {{ traffic_sums('sums') }},
        coalesce(sets.unique_visitors, 0) as unique_visitors,
        coalesce(sets.visitors, ''::bytea) as visitors
    from (
        select
            {{ columns | join(', ') }},
            {{ traffic_sums() }}
        from traffic
        {{ 'where ip_asset_id is not null' if 'ip_asset_id' in columns }}
        group by {{ columns | join(', ') }}
    ) as sums
    -- Visitors apart from sums, which then need no place for each visitor.
    left join (
        select
            {{ columns | join(', ') }},
            count(*) as unique_visitors,
            string_agg(int4send(visitor_number), ''::bytea) as visitors
        from (
            select distinct
                {{ columns | join(', ') }},
                visitor_number
            from traffic
            where
                visitor_number is not null
                {{ 'and ip_asset_id is not null' if 'ip_asset_id' in columns }}
        ) as visited
        group by {{ columns | join(', ') }}
    ) as sets
        on {{ same_values(columns, 'sums', 'sets') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

-- The rows of an asset lie side by side within a day, so that a creator's are on few pages.
select * from rollups
order by grain, ip_asset_id

{{ config(event_time='date') }}

with traffic as (
    select visitor_number from {{ ref('traffic_daily') }}
    where visitor_number is not null
),

words as (
    select
        visitor_number / 64 as position,
        bit_or(1::bigint << (visitor_number % 64)) as word
    from (select distinct visitor_number from traffic) as visitors
    group by visitor_number / 64
),

positions as (
    select generate_series(0, max(position)) as position
    from words
)

-- A day without visitors has an empty string.
select
    {{ batch_day() }} as date,
    coalesce(
        string_agg(int8send(coalesce(words.word, 0)), ''::bytea order by positions.position),
        ''::bytea
    ) as bits
from positions
left join words on positions.position = words.position

{{
    config(
        event_time='date',
        indexes=[{'columns': ['date']}],
    )
}}

with sessions as (
    select * from {{ ref('sessions') }}
)

select
    {{ batch_day() }} as date,
    source,
    medium,
    campaign,
    term,
    content,
    channel,
    count(*) as visits,
    count(*) filter (where is_engaged) as engaged_visits,
    {{ bigint('sum(views)') }} as views,
    {{ bigint('sum(clicks)') }} as clicks
from sessions
group by source, medium, campaign, term, content, channel

-- The visits of a day are its sessions, each once.
with visits as (
    select
        date,
        sum(visits) as visits,
        count(*) - count(distinct (source, medium, campaign, term, content, channel)) as copies
    from {{ ref('int_campaign_visits') }}
    where {{ built_window('date', ref('int_campaign_visits')) }}
    group by date
),

sessions as (
    select
        {{ utc_day('started_at') }} as date,
        count(*) as visits
    from {{ ref('sessions') }}
    where {{ built_window('started_at', ref('sessions')) }}
    group by 1
)

select
    coalesce(visits.date, sessions.date) as date,
    visits.visits as visits,
    sessions.visits as sessions
from visits
full outer join sessions on visits.date = sessions.date
where (visits.visits = sessions.visits and visits.copies = 0) is not true

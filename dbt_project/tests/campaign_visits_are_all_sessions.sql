-- The visits of a day are its sessions, each once, and each touch has one row.
with visits as (
    select
        date,
        sum(visits) as visits,
        sum(entries - 1) as copies
    from (
        select
            date,
            sum(visits) as visits,
            count(*) as entries
        from {{ ref('int_campaign_visits') }}
        where {{ built_window('date', ref('int_campaign_visits')) }}
        group by date, source, medium, campaign, term, content, channel
    ) as touches
    group by date
),

started as (
    select {{ utc_day('started_at') }} as date
    from {{ ref('sessions') }}
    where {{ built_window('started_at', ref('sessions')) }}
),

sessions as (
    select
        date,
        count(*) as visits
    from started
    group by date
)

-- A window that ends within a day has dates up to the day before, so dates lead here.
select
    visits.date,
    visits.copies,
    visits.visits,
    sessions.visits as sessions
from visits
left join sessions on visits.date = sessions.date
where (visits.visits = sessions.visits and visits.copies = 0) is not true

{#-
  Every counted event of a built day is in one session: of the day, or of the day before. So the
  events of a day are what its sessions have of it, and what those of the day before have of the next
  day. That can be told where both days were built just now; of the first day only that its sessions
  hold no more than it has. Events go on arriving while a day is built, so the sum must lie between
  what was there a minute before and what is there now.
-#}
with built as (
    select
        *,
        {{ utc_day('started_at') }} as date
    from {{ ref('sessions') }}
    where {{ built_window('started_at', ref('sessions')) }}
),

sessions as (
    select
        date,
        sum(events - events_next_day) as events,
        sum(events_next_day) as events_next_day,
        min(created_at) as built_at
    from built
    group by date
),

days as (
    select
        today.date,
        before.date is not null as is_whole,
        today.events + coalesce(before.events_next_day, 0) as events,
        least(today.built_at, before.built_at) - interval '1 minute' as settled_at
    from sessions as today
    left join sessions as before on today.date = before.date + 1
),

events as (
    select
        {{ utc_day('occurred_at') }} as date,
        created_at
    from {{ ref('int_events') }}
    where is_counted and {{ built_window('occurred_at', ref('attribution')) }}
),

counted as (
    select
        days.date,
        count(*) as events_now,
        count(*) filter (where events.created_at < days.settled_at) as events_settled
    from days
    inner join events on days.date = events.date
    group by days.date
)

select
    days.*,
    counted.events_now,
    counted.events_settled
from days
left join counted on days.date = counted.date
where
    days.events > coalesce(counted.events_now, 0)
    or (days.is_whole and days.events < coalesce(counted.events_settled, 0))

with events as (
    select
        project_id,
        {{ status_of_event() }} as status,
        occurred_at,
        row_number() over (
            partition by project_id, occurred_at
            order by {{ order_of_life('desc') }}
        ) as position
    from {{ ref('int_lifecycle_events') }}
    where event_type like 'project%' and project_id is not null
),

-- Of several events of one moment the last decides, and an event that changes nothing is none.
moments as (
    select
        project_id,
        status,
        occurred_at,
        lag(status) over (partition by project_id order by occurred_at) as status_before
    from events
    where position = 1
)

select
    project_id,
    status,
    occurred_at as valid_from,
    lead(occurred_at) over (partition by project_id order by occurred_at) as valid_to
from moments
where status_before is null or status <> status_before

with events as (
    select * from {{ ref('int_lifecycle_events') }}
    where event_type like 'project%' and project_id is not null
)

select
    project_id,
    {{ first_to_arrive('brand_id', "event_type = 'project_created'") }} as brand_id,
    {{ first_to_arrive('title', "event_type = 'project_created'") }} as name,
    {{ last_status() }} as status,
    {{ first_to_arrive('occurred_at', "event_type = 'project_created'") }} as created_at,
    min(occurred_at) filter (where event_type = 'project_started') as started_at,
    max(occurred_at) filter (where event_type = 'project_completed') as completed_at,
    max(occurred_at) filter (where event_type = 'project_archived') as archived_at
from events
group by project_id

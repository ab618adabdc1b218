{{ config(event_time='date') }}

-- depends_on: {{ ref('daily_metrics') }}
with events as (
    select is_bot from {{ ref('attribution') }}
)

select
    {{ batch_day() }} as date,
    now() as built_at,
    '{{ definitions_hash() }}'::text as definition,
    count(*) as events,
    count(*) filter (where is_bot) as bot_events
from events

{{ config(materialized='view', meta={'uncounted': true}) }}

with sessions as (
    select * from {{ ref('sessions') }}
)

select
    sessions.session_id,
    sessions.visitor_id,
    touch.touch_number,
    touch.touched_at,
    touch.event_id,
    {%- for column in touch_fields() %}
    touch.{{ column }},
    {%- endfor %}
    {{ is_direct('touch.source') }} as is_direct
from sessions
cross join lateral {{ touches_of('sessions.touches') }}

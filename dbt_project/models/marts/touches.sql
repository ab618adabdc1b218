{{ config(materialized='view') }}

with sessions as (
    select * from {{ ref('sessions') }}
)

select
    sessions.session_id,
    sessions.visitor_id,
    touch.touch_number,
    {%- for field in ['touched_at', 'event_id'] + touch_fields() %}
    {{ touch_field(field) }} as {{ field }},
    {%- endfor %}
    {{ is_direct("touch.fields ->> 'source'") }} as is_direct
from sessions
cross join lateral {{ touches_of('sessions.touches') }}

{#- The rare events that say what the marketplace's things are and whose: the dimensions read nothing else. -#}
{% macro lifecycle_types() -%}
(
    'asset_uploaded', 'asset_approved', 'asset_rejected',
    'project_created', 'project_started', 'project_completed', 'project_archived',
    'license_created', 'license_signed', 'license_renewed', 'license_expired'
)
{%- endmacro %}

{#- Whom an upload makes the asset's creator: the actor, or whom an upload by somebody else, such as
    the app's server, names. The first upload to arrive that says one decides (`first_to_arrive`), by
    received_at, which no client sets: nobody takes over an asset by uploading it again. The rule of
    dashboards_api/authorization.py. -#}
{% macro creator_of_upload() -%}
case when actor_type = 'creator' then actor_id else creator_id end
{%- endmacro %}

{#- The value of the event that arrived first, among those of the group where there is one. -#}
{% macro first_to_arrive(value, condition='true') -%}
(
    array_agg({{ value }} order by received_at, event_id)
    filter (where {{ value }} is not null and {{ condition }})
)[1]
{%- endmacro %}

{#- What an event makes of its thing: `project_started` → `started`. -#}
{% macro status_of_event() -%}
split_part(event_type, '_', 2)
{%- endmacro %}

{#- Of events of one moment the one further on in life counts as the later. -#}
{% macro order_of_life(direction='asc') -%}
{%- set types = lifecycle_types() | replace('(', '[') | replace(')', ']') -%}
occurred_at {{ direction }},
array_position(array{{ types }}, event_type) {{ direction }},
event_id {{ direction }}
{%- endmacro %}

{#- The status of the group's last event, by when it happened and not by when it arrived. -#}
{% macro last_status() -%}
(array_agg({{ status_of_event() }} order by {{ order_of_life('desc') }}))[1]
{%- endmacro %}

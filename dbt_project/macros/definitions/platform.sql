{#- A brand of whose people the event is one: what it names, else the actor itself. -#}
{% macro acting_brand() -%}
case when actor_type = 'brand' then coalesce(brand_id, actor_id) end
{%- endmacro %}

{#- An id in eight bytes, so that a day's ids fit side by side in one bytea. Of a million ids two share
    theirs with a chance of 1 in 37 million. -#}
{% macro short_hash(text) -%}
substr(sha256(convert_to({{ text }}, 'UTF8')), 1, 8)
{%- endmacro %}

{#- The entities of a day that have a row of their own in int_entity_days and daily_metrics: the ids
    that name each. A license never comes with another id. -#}
{% macro entity_grains() -%}
{{ return([
    [],
    ['project_id'],
    ['ip_asset_id'],
    ['license_id'],
    ['project_id', 'ip_asset_id'],
]) }}
{%- endmacro %}

{#- Whether two rows are of one entity, ids that are null being equal. Unlike `is not distinct from`
    it is fit for a hash join. -#}
{% macro same_entity(one, other) -%}
{%- for id in ['project_id', 'ip_asset_id', 'license_id'] -%}
coalesce('=' || {{ one }}.{{ id }}, '') = coalesce('=' || {{ other }}.{{ id }}, '')
{%- if not loop.last %}
and {% endif -%}
{%- endfor -%}
{%- endmacro %}

{#- For `group by`: a total for each entity, and each value of `column` if one is given. -#}
{% macro entity_sets(column=none) -%}
{%- set extra = [column] if column else [] -%}
grouping sets ({% for ids in entity_grains() %}({{ (ids + extra) | join(', ') }}){{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{#- For `having` after entity_sets: not the total of what names no entity, nor of no events at all. -#}
{% macro is_of_an_entity() -%}
count(*) > 0
{%- for id in ['project_id', 'ip_asset_id', 'license_id'] %}
and ({{ id }} is not null or grouping({{ id }}) = 1)
{%- endfor -%}
{%- endmacro %}

{#- Whether two rows are of one entity, ids that are null being equal. Unlike `is not distinct from`
    it is fit for a hash join. -#}
{% macro same_entity(one, other) -%}
{{ same_values(['project_id', 'ip_asset_id', 'license_id'], one, other) }}
{%- endmacro %}

{#- For `group by`: a total for each entity of the grains, by each value of `column`. -#}
{% macro entity_sets(grains, column) -%}
grouping sets (
{%- for ids in grains %}
    ({{ (ids + [column]) | join(', ') }}){{ ',' if not loop.last }}
{%- endfor %}
)
{%- endmacro %}

{#- For `having` after entity_sets: not the total of what names no entity, nor of no events at all. -#}
{% macro is_of_an_entity() -%}
count(*) > 0
{%- for id in ['project_id', 'ip_asset_id', 'license_id'] %}
and ({{ id }} is not null or grouping({{ id }}) = 1)
{%- endfor -%}
{%- endmacro %}

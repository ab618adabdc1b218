{#- The dashboards API keeps finished answers for as long as the definitions behind them hold. -#}
{% macro tell_definitions() -%}
{%- if target.name == 'prod' -%}
select raw.tell_change(jsonb_build_object('definition', '{{ definitions_hash() }}'))
{%- endif -%}
{%- endmacro %}

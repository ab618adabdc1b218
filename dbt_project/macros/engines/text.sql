{#-
  Text, where PostgreSQL and DuckDB differ. Of each macro in this folder the definition without a
  prefix is what models call; dbt then takes the one of the engine that it runs on.
-#}

{#- Lower case for hosts and tags: ASCII letters only, so that the server's locale has no say (in
    Turkish, I is not the capital of i), and on PostgreSQL six times as fast as with it. -#}
{% macro ascii_lower(text) -%}
{{ return(adapter.dispatch('ascii_lower', 'eventmill')(text)) }}
{%- endmacro %}

{% macro postgres__ascii_lower(text) -%}
lower({{ text }} collate "C") collate "default"
{%- endmacro %}

{#- `lower` is of all letters, and twenty times as fast as `translate`: most texts have none to change. -#}
{% macro duckdb__ascii_lower(text) -%}
case
    when {{ text }} = lower({{ text }}) then {{ text }}
    else translate({{ text }}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')
end
{%- endmacro %}

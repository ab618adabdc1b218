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

{#- Without spaces at both ends; DuckDB's trim by itself takes those of typography too. -#}
{% macro trimmed(text) -%}
{{ return(adapter.dispatch('trimmed', 'eventmill')(text)) }}
{%- endmacro %}

{% macro postgres__trimmed(text) -%}
btrim({{ text }})
{%- endmacro %}

{% macro duckdb__trimmed(text) -%}
trim({{ text }}, ' ')
{%- endmacro %}

{#- Whether a regular expression is found anywhere in a text. -#}
{% macro matches(text, pattern) -%}
{{ return(adapter.dispatch('matches', 'eventmill')(text, pattern)) }}
{%- endmacro %}

{% macro postgres__matches(text, pattern) -%}
{{ text }} ~ '{{ pattern }}'
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro matches_in_any_case(text, pattern) -%}
{{ return(adapter.dispatch('matches_in_any_case', 'eventmill')(text, pattern)) }}
{%- endmacro %}

{% macro postgres__matches_in_any_case(text, pattern) -%}
{{ text }} ~* '{{ pattern }}'
{%- endmacro %}

{% macro duckdb__matches_in_any_case(text, pattern) -%}
regexp_matches({{ text }}, '{{ pattern }}', 'i')
{%- endmacro %}

{#- The part of a text that a regular expression matches, or null. -#}
{% macro matched(text, pattern) -%}
{{ return(adapter.dispatch('matched', 'eventmill')(text, pattern)) }}
{%- endmacro %}

{% macro postgres__matched(text, pattern) -%}
substring({{ text }} from '{{ pattern }}')
{%- endmacro %}

{% macro duckdb__matched(text, pattern) -%}
nullif(regexp_extract({{ text }}, '{{ pattern }}'), '')
{%- endmacro %}

{#- So that text is compared byte by byte, whatever the database's locale. -#}
{% macro bytewise(text) -%}
{{ return(adapter.dispatch('bytewise', 'eventmill')(text)) }}
{%- endmacro %}

{% macro postgres__bytewise(text) -%}
{{ text }} collate "C"
{%- endmacro %}

{% macro duckdb__bytewise(text) -%}
{{ text }}
{%- endmacro %}

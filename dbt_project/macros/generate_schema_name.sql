{#-
  Production schemas are named exactly as the models say (`marts`), and so are those of a DuckDB file,
  which has nothing else in it. Every other target builds into
  schemas of its own, `<prefix>_<schema>`, where the prefix is the target's schema (`dev_<user>`).
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {%- set name = (custom_schema_name or 'marts') | trim -%}
  {%- if target.name == 'prod' or target.type == 'duckdb' -%}
    {{ name }}
  {%- else -%}
    {{ development_prefix(target.schema) }}_{{ name }}
  {%- endif -%}
{%- endmacro %}

{#- A user name can hold what an identifier cannot (`Ana.Sá@corp`). 40 characters leave room for
    the schema's own name within PostgreSQL's 63. -#}
{% macro development_prefix(text) -%}
  {{ modules.re.sub('[^a-z0-9_]', '_', text | lower)[:40] }}
{%- endmacro %}

{#-
  PostgreSQL's functions that DuckDB lacks, and those of the schema `rules` that are asked for each
  event, under the same names, so that models are plain SQL. They
  are made in the DuckDB file before each build (on-run-start). What is no function, such as a
  collation, has a macro in this folder for each engine.
-#}
{% macro engine_functions() -%}
{%- if target.type == 'duckdb' -%}
create schema if not exists rules;
create or replace macro rules.clean_tag(tag) as
    nullif(nullif({{ ascii_lower("trim(tag, ' ')") }}, ''), '(not set)');
create or replace macro rules.actor_visitor(actor_id) as
    case
        when regexp_matches(actor_id, '^(actor|anon|hash):') then 'actor:' || actor_id
        else actor_id
    end;
create or replace macro rules.visitor(actor_id, anonymous_id, visitor_id) as coalesce(
    rules.actor_visitor(actor_id),
    'anon:' || anonymous_id,
    case when starts_with(visitor_id, 'hash:') then visitor_id else 'hash:' || visitor_id end
);
create or replace macro rules.anonymous_visitor(anonymous_id) as 'anon:' || anonymous_id;
create or replace macro regexp_like(words, pattern) as regexp_matches(words, pattern),
    (words, pattern, flags) as regexp_matches(words, pattern, flags);
create or replace macro regexp_substr(words, pattern) as nullif(regexp_extract(words, pattern), '');
create or replace macro div(number, divisor) as number // divisor;
create or replace macro num_nonnulls(a, b, c) as
    (a is not null)::integer + (b is not null)::integer + (c is not null)::integer;
create or replace macro to_jsonb(content) as to_json(content);
create or replace macro jsonb_array_length(list) as json_array_length(list);
create or replace macro jsonb_concat(one, other) as json_merge_patch(one, other);
create or replace macro jsonb_build_object(a, b) as json_object(a::varchar, b),
    (a, b, c, d) as json_object(a::varchar, b, c::varchar, d);
create type if not exists jsonb as json;
create or replace macro enrichment.unstored_user_agents() as table
    select * from enrichment.user_agents where false;
create or replace macro enrichment.unstored_referrers() as table
    select * from enrichment.referrers where false;
{%- endif -%}
{%- endmacro %}

{#-
  Traffic: by what it can be looked at, and what is added up of it. models/metrics.yml says so; a metric
  or dimension that is no column of int_traffic by itself becomes one (`added_columns`), which is
  worked out for each event. While dbt only parses, and in unit tests, nothing is known of another file.
-#}
{% macro traffic_dimensions() -%}
{%- set found = [] -%}
{%- for dimension in traffic_model().dimensions if dimension.type == 'categorical' -%}
    {%- do found.append(dimension_column(dimension)) -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}

{#- The names of the columns that are summed. -#}
{% macro traffic_metrics() -%}
{%- set found = [] -%}
{%- for measure in traffic_model().measures if measure.agg == 'sum' and is_own(measure) -%}
    {%- do found.append(measure.expr or measure.name) -%}
{%- endfor -%}
{%- for column in added_columns() if column.is_summed -%}
    {%- do found.append(column.name) -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}

{% macro traffic_model() -%}
{%- if not execute or not graph.semantic_models -%}
    {{ return({'dimensions': [], 'measures': []}) }}
{%- endif -%}
{{ return(graph.semantic_models.values() | selectattr('name', 'equalto', 'traffic') | first) }}
{%- endmacro %}

{#- Whether a dimension or measure is a column that int_traffic.yml describes. -#}
{% macro is_own(part) -%}
{%- set model = graph.nodes.values() | selectattr('name', 'equalto', 'int_traffic') | first -%}
{{ return((part.expr or part.name) in model.columns) }}
{%- endmacro %}

{% macro dimension_column(dimension) -%}
{{ return((dimension.expr or dimension.name) if is_own(dimension) else dimension.name) }}
{%- endmacro %}

{#- The columns of int_traffic that metrics.yml makes: name, description, SQL over one event, type, and
    whether it is summed. A distinct count's column has 1 where the event counts. -#}
{% macro added_columns() -%}
{%- set found = [] -%}
{%- set traffic = traffic_model() -%}
{%- for dimension in traffic.dimensions if dimension.type == 'categorical' and not is_own(dimension) -%}
    {%- do found.append({
        'name': dimension.name,
        'description': dimension.description or dimension.label or dimension.name,
        'expression': '(' ~ dimension.expr ~ ')::text',
        'type': 'text',
        'is_summed': false,
    }) -%}
{%- endfor -%}
{%- for measure in traffic.measures -%}
    {%- for metric in graph.metrics.values() | sort(attribute='name')
        if metric.type == 'simple' and metric.type_params.measure.name == measure.name -%}
        {%- set condition = filter_of(metric, traffic) -%}
        {%- if condition or not (is_own(measure) and measure.agg in ('sum', 'count_distinct')) -%}
            {%- do found.append({
                'name': metric.name,
                'description': metric.description,
                'expression': measured(measure, condition or 'true'),
                'type': 'bigint',
                'is_summed': true,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}

{#- What one event adds to a measure. -#}
{% macro measured(measure, condition) -%}
{%- set value = measure.expr or measure.name -%}
{%- if measure.agg == 'sum' -%}
case when {{ condition }} then ({{ value }})::bigint else 0::bigint end
{%- elif measure.agg == 'sum_boolean' -%}
case when ({{ condition }}) and ({{ value }}) then 1::bigint else 0::bigint end
{%- elif measure.agg in ('count', 'count_distinct') -%}
case when ({{ condition }}) and ({{ value }}) is not null then 1::bigint else 0::bigint end
{%- else -%}
{{ exceptions.raise_compiler_error(
    'measure ' ~ measure.name ~ ': agg is ' ~ measure.agg
    ~ ', use sum, sum_boolean, count or count_distinct'
) }}
{%- endif -%}
{%- endmacro %}

{#- The filters of a metric as one condition over int_traffic, or an empty text. -#}
{% macro filter_of(metric, traffic) -%}
{%- set found = [] -%}
{%- for filter in [metric.filter, metric.type_params.measure.filter] if filter -%}
    {%- for one in filter.where_filters -%}
        {%- set sql = namespace(text=one.where_sql_template) -%}
        {%- for dimension in traffic.dimensions -%}
            {%- set call = "\\{\\{\\s*Dimension\\(\\s*['\"]event__" ~ dimension.name ~ "['\"]\\s*\\)\\s*\\}\\}" -%}
            {%- set column = '(' ~ (dimension.expr or dimension.name) ~ ')' -%}
            {%- set sql.text = column.join(modules.re.split(call, sql.text)) -%}
        {%- endfor -%}
        {%- do found.append('(' ~ sql.text ~ ')') -%}
    {%- endfor -%}
{%- endfor -%}
{{ return(found | join(' and ')) }}
{%- endmacro %}

{#- The roll-ups of int_traffic_days, by name: what each is grouped by besides the day. -#}
{% macro traffic_rollups() -%}
{{ return({
    'asset_channel': ['ip_asset_id', 'channel'],
    'channel': ['channel'],
    'source': ['channel', 'source', 'medium', 'campaign'],
    'country': ['country'],
    'device': ['device', 'browser', 'os'],
    'actor_type': ['actor_type'],
}) }}
{%- endmacro %}

{#- The columns that any roll-up is by. -#}
{% macro rolled_up_dimensions() -%}
{{ return(traffic_rollups().values() | sum(start=[])) }}
{%- endmacro %}

{#- The sum of each metric, or the sums of `relation` as they are. -#}
{% macro traffic_sums(relation=none) -%}
{%- for metric in traffic_metrics() -%}
{{ relation ~ '.' ~ metric if relation else bigint('sum(' ~ metric ~ ')') ~ ' as ' ~ metric }}
{{- ', ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{#- Whether two rows of a roll-up have the same values, null being one. Fit for a hash join. -#}
{% macro same_values(columns, one, other) -%}
{%- for column in columns -%}
coalesce('=' || {{ one }}.{{ column }}, '') = coalesce('=' || {{ other }}.{{ column }}, '')
{{- ' and ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{#- The sums (`sums`) and visitors (`sets`) of `traffic` by some columns, where `condition` holds.
    Visitors apart from sums, which then need no place for each visitor. -#}
{% macro traffic_by(columns, condition='true') -%}
(
    select
        {{ columns | join(', ') }},
        {{ traffic_sums() }}
    from traffic
    where {{ condition }}
    group by {{ columns | join(', ') }}
) as sums
left join (
    select
        {{ columns | join(', ') }},
        count(*) as unique_visitors,
        string_agg(int4send(visitor_number), ''::bytea) as visitors
    from (
        select distinct {{ columns | join(', ') }}, visitor_number
        from traffic
        where visitor_number is not null and {{ condition }}
    ) as visited
    group by {{ columns | join(', ') }}
) as sets
    on {{ same_values(columns, 'sums', 'sets') }}
{%- endmacro %}

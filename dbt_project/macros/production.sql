{#- Flags that make a build of a part of the events. On production it would replace whole days that are
    built, and they would still count as built. Before anything is built, so all of it is refused. -#}
{% macro refuse_partial_builds() -%}
{%- if execute and target.name == 'prod' and (flags.EMPTY or invocation_args_dict.get('sample')) -%}
    {{ exceptions.raise_compiler_error(
        ('--empty' if flags.EMPTY else '--sample')
        ~ " would replace built days of production by a part of them: leave it out, or build into schemas of"
        ~ " your own with `--target dev`"
    ) }}
{%- endif -%}
{%- endmacro %}

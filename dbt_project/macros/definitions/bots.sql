{#- A bot is what the user agent says is one; an event without a user agent, or with one that is not
    classified yet, is not. Needs `user_agents` and `unstored_user_agents` in scope. -#}
{% macro is_bot() -%}
coalesce(user_agents.is_bot, unstored_user_agents.is_bot, false)
{%- endmacro %}

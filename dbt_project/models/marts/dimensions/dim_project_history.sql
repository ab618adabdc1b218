select * from {{ source('rules', 'project_history') }}

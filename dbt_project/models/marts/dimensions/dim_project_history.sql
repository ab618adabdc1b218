select
    project_id,
    status,
    valid_from,
    valid_to
from {{ source('rules', 'project_history') }}

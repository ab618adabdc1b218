select
    project_id,
    brand_id,
    name,
    status,
    created_at,
    started_at,
    completed_at,
    archived_at
from {{ source('rules', 'projects') }}

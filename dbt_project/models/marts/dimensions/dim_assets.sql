select
    ip_asset_id,
    creator_id,
    title,
    asset_type,
    status,
    uploaded_at,
    approved_at,
    rejected_at
from {{ source('rules', 'assets') }}

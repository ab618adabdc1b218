select
    license_id,
    ip_asset_id,
    brand_id,
    valid_from,
    valid_to
from {{ source('rules', 'license_periods') }}

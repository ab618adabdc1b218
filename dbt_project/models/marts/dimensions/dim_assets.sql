with events as (
    select * from {{ ref('int_lifecycle_events') }}
    where ip_asset_id is not null
),

assets as (
    select
        ip_asset_id,
        {{ first_to_arrive(creator_of_upload(), "event_type = 'asset_uploaded'") }} as creator_id,
        {{ first_to_arrive('title', "event_type = 'asset_uploaded'") }} as title,
        {{ first_to_arrive('asset_type', "event_type = 'asset_uploaded'") }} as asset_type,
        {{ first_to_arrive('occurred_at', "event_type = 'asset_uploaded'") }} as first_upload_at,
        {{ first_to_arrive(
            'occurred_at',
            "event_type = 'asset_uploaded' and " ~ creator_of_upload() ~ " is not null"
        ) }} as creators_upload_at,
        max(occurred_at) filter (where event_type = 'asset_approved') as approved_at,
        max(occurred_at) filter (where event_type = 'asset_rejected') as rejected_at
    from events
    group by ip_asset_id
)

select
    ip_asset_id,
    creator_id,
    title,
    asset_type,
    case
        when approved_at >= coalesce(rejected_at, approved_at) then 'approved'
        when rejected_at is not null then 'rejected'
        when first_upload_at is not null then 'uploaded'
        else 'unknown'
    end as status,
    coalesce(creators_upload_at, first_upload_at) as uploaded_at,
    approved_at,
    rejected_at
from assets

-- The first upload of each asset, and of each creator, without reading every event of a life.

create index lifecycle_events_uploads on raw.lifecycle_events (ip_asset_id, occurred_at)
include (uploader)
where event_type = 'asset_uploaded';

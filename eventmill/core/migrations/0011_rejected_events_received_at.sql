-- Refused events go when the retention is over. Looking for them every ten minutes must not read the
-- whole table; times of receipt come in order, so an insert finds its place in the index at once.
create index rejected_events_received_at on raw.rejected_events (received_at);

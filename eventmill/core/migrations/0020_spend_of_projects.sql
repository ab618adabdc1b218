-- Which project advertising was paid for, so that a brand can be shown what its own projects cost. What
-- names no project is the platform's own.

alter table raw.ad_spend add column project_id text;
alter table raw.ad_spend drop constraint ad_spend_keys;
alter table raw.ad_spend add constraint ad_spend_keys
unique nulls not distinct (date, project_id, source, medium, campaign, term, content, currency);

create index ad_spend_project on raw.ad_spend (project_id, date) where project_id is not null;

comment on table raw.ad_spend is
'One row per UTC day, project, campaign tags and currency: what it cost. Tags are in lower case, null where there is none.';
comment on column raw.ad_spend.project_id is
'The project it was paid for, as in raw.events; null for the platform''s own. A brand sees what names its projects.';

-- The group role of analysts. Its members read what the models are made of and make schemas of their
-- own (dev_<user>_*); they write nowhere else. Each analyst logs in with a role of their own:
--     create role ana login password '…' in role eventmill_analyst;
--
-- Roles belong to the whole server, and other databases of it may be migrated at this moment. A user
-- who may not create roles gets a notice: an administrator makes the role, and runs the block below.

do $$
declare
    schema_name name;
begin
    if not exists (select from pg_roles where rolname = 'eventmill_analyst') then
        begin
            create role eventmill_analyst nologin;
        exception
            -- Another database was first.
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise notice 'this user may not create roles: there is no eventmill_analyst';
                return;
        end;
    end if;

    begin
        execute format('grant create on database %I to eventmill_analyst', current_database());
    exception
        when insufficient_privilege then
            raise notice 'eventmill_analyst may not create schemas in this database';
    end;

    -- What is there already, dbt's schemas too.
    for schema_name in
        select nspname from pg_namespace
        where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
        and pg_has_role(current_user, nspowner, 'usage')
    loop
        begin
            execute format('grant usage on schema %I to eventmill_analyst', schema_name);
            execute format(
                'grant select on all tables in schema %I to eventmill_analyst', schema_name
            );
        exception
            when insufficient_privilege then
                raise notice 'eventmill_analyst may not read all of schema %', schema_name;
        end;
    end loop;

    -- What this user makes from now on: migrations, and dbt, which makes its schemas itself.
    alter default privileges grant usage on schemas to eventmill_analyst;
    alter default privileges grant select on tables to eventmill_analyst;

    -- No model needs these: secrets, events as they were sent before anything was removed from them,
    -- and who was erased, read or exported.
    revoke all on raw.visitor_salts, raw.write_keys, raw.rejected_events, raw.erased_subjects
    from eventmill_analyst;
    revoke all on all tables in schema ops from eventmill_analyst;
    -- Each command looks whether the database is of its version.
    grant select on ops.migrations to eventmill_analyst;
end
$$;

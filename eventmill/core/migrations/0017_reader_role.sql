-- The role with which the dashboards API reads. It may read what dashboards are made of and write
-- nothing, so that no defect of the API can change data, whatever it sends.
--
-- Roles belong to the whole server, and other databases of it may be migrated at this moment. A user
-- who may not create roles gets a notice: then the API reads in read-only transactions only.

do $$
declare
    schema_name name;
    -- Since PostgreSQL 16 who made a role is its member and yet may not become it.
    may_become text := case
        when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member'
    end;
begin
    if not exists (select from pg_roles where rolname = 'eventmill_reader') then
        begin
            create role eventmill_reader nologin;
        exception
            -- Another database was first.
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise notice 'this user may not create roles: the dashboards API reads as %',
                    current_user;
                return;
        end;
    end if;

    if not pg_has_role(current_user, 'eventmill_reader', may_become) then
        begin
            execute format('grant eventmill_reader to %I', current_user);
        exception
            when insufficient_privilege then
                raise notice 'this user is no member of eventmill_reader: the dashboards API reads as %',
                    current_user;
                return;
        end;
    end if;

    -- What is there already: of a system that is migrated, dbt's schemas too.
    for schema_name in
        select nspname from pg_namespace
        where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
        and pg_has_role(current_user, nspowner, 'usage')
    loop
        begin
            execute format('grant usage on schema %I to eventmill_reader', schema_name);
            execute format(
                'grant select on all tables in schema %I to eventmill_reader', schema_name
            );
        exception
            when insufficient_privilege then
                raise notice 'eventmill_reader may not read all of schema %', schema_name;
        end;
    end loop;

    -- What this user makes from now on: migrations, and dbt, which makes its schemas itself.
    alter default privileges grant usage on schemas to eventmill_reader;
    alter default privileges grant select on tables to eventmill_reader;

    revoke all on raw.visitor_salts, raw.write_keys from eventmill_reader;
end
$$;

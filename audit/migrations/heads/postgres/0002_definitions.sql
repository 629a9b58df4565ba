-- Guards over the definitions: nobody drops, renames or alters the table of heads, its triggers, or the functions
-- of these, by a slip or by a program; and no later migration either, unless it says so by
--
--     SET LOCAL idtrail.migrating = 'on';
--
-- as its first statement. Whoever owns the tables may say that word as well: against an owner who means it, and against a
-- superuser, stands what was signed, and nothing in the database. Only a superuser may create event triggers; where the
-- migrating user is none, it says so and goes on.
DO $$
DECLARE
    here TEXT := current_schema();
BEGIN
    -- Not beside the tables, or dropping their schema would take the guards first.
    CREATE SCHEMA idtrail_guard;

    CREATE FUNCTION idtrail_guard.definitions() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog
    AS $body$
    DECLARE
        changed RECORD;
    BEGIN
        IF current_setting('idtrail.migrating', true) = 'on' THEN
            RETURN;
        END IF;
        FOR changed IN SELECT classid, objid, command_tag, object_identity FROM pg_event_trigger_ddl_commands() LOOP
            -- By the triggers that stand on a table, not by its name: it may just have got another one.
            IF EXISTS (SELECT FROM pg_trigger WHERE tgname IN ('guard', 'no_delete', 'no_truncate')
                AND ((changed.classid = 'pg_class'::regclass AND tgrelid = changed.objid)
                    OR (changed.classid = 'pg_proc'::regclass AND tgfoid = changed.objid)
                    OR (changed.classid = 'pg_trigger'::regclass
                        AND tgrelid = (SELECT tgrelid FROM pg_trigger WHERE oid = changed.objid))
                    OR (changed.classid = 'pg_rewrite'::regclass
                        AND tgrelid = (SELECT ev_class FROM pg_rewrite WHERE oid = changed.objid))
                    OR (changed.classid = 'pg_policy'::regclass
                        AND tgrelid = (SELECT polrelid FROM pg_policy WHERE oid = changed.objid))))
                OR (changed.classid = 'pg_proc'::regclass
                    AND EXISTS (SELECT FROM pg_event_trigger WHERE evtfoid = changed.objid))
            THEN
                RAISE EXCEPTION 'a head does not go back: % of % is refused', changed.command_tag, changed.object_identity
                    USING ERRCODE = 'integrity_constraint_violation',
                        HINT = 'A migration first says SET LOCAL idtrail.migrating = ''on''.';
            END IF;
        END LOOP;
    END $body$;

    -- What was dropped is gone from the catalogue, so only names are left; tables and functions take their triggers with
    -- them. The schema is that of the tables: another program's trigger of such a name is its own affair.
    EXECUTE format($create$
        CREATE FUNCTION idtrail_guard.drops() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog
        AS $body$
        DECLARE
            gone RECORD;
        BEGIN
            IF current_setting('idtrail.migrating', true) = 'on' THEN
                RETURN;
            END IF;
            FOR gone IN SELECT object_type, address_names, object_identity FROM pg_event_trigger_dropped_objects() LOOP
                IF gone.object_type = 'trigger' AND gone.address_names[1] = %L
                    AND gone.address_names[3] IN ('guard', 'no_delete', 'no_truncate')
                THEN
                    RAISE EXCEPTION 'a head does not go back: %% of %% is refused', tg_tag, gone.object_identity
                        USING ERRCODE = 'integrity_constraint_violation',
                            HINT = 'A migration first says SET LOCAL idtrail.migrating = ''on''.';
                END IF;
            END LOOP;
        END $body$
    $create$, here);

    -- ALWAYS: `session_replication_role = replica` does not switch them off.
    CREATE EVENT TRIGGER idtrail_definitions ON ddl_command_end EXECUTE FUNCTION idtrail_guard.definitions();
    ALTER EVENT TRIGGER idtrail_definitions ENABLE ALWAYS;
    CREATE EVENT TRIGGER idtrail_drops ON sql_drop EXECUTE FUNCTION idtrail_guard.drops();
    ALTER EVENT TRIGGER idtrail_drops ENABLE ALWAYS;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'event triggers may not be created here: the owner of the tables can drop and alter them';
END $$;

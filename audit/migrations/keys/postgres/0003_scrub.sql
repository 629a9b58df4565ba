-- A deleted data key lies in the table's file until its space is used again, also after VACUUM. So what is left of the
-- table is written to a new file, and the old one goes. False if somebody still saw the deleted rows: then they were
-- copied, too, and it must be done again later. (The index has counted all that were copied.)
CREATE FUNCTION scrub_data_keys() RETURNS BOOLEAN LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    gone BOOLEAN;
BEGIN
    -- Everybody else waits behind this one's wait for the table.
    PERFORM set_config('lock_timeout', '3s', true);
    CLUSTER data_keys USING data_keys_pkey;
    SELECT reltuples = (SELECT count(*) FROM data_keys)::REAL INTO gone
        FROM pg_class WHERE oid = 'data_keys_pkey'::regclass;
    RETURN gone;
END $$;
REVOKE EXECUTE ON FUNCTION scrub_data_keys() FROM PUBLIC;

-- It runs as the owner of the tables, so it must find these and no others.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION scrub_data_keys() SET search_path = %I, pg_temp', current_schema());
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_writer') THEN
        GRANT EXECUTE ON FUNCTION scrub_data_keys() TO audit_writer;
    END IF;
END $$;

-- Run once by psql, when the database server of docker-compose.yml makes its folder: a role and a database for each
-- store, so that no service can read another's. The passwords come from files and stand in no log.
--
-- `audit` connects as somebody who may append and nothing else; the owners of its databases only migrate.
-- In production the keys of the history have a server of their own, or its backups keep what was erased.

\set password `cat /run/secrets/directory/password`
CREATE ROLE idtrail_directory LOGIN PASSWORD :'password';
CREATE DATABASE idtrail_directory OWNER idtrail_directory;
REVOKE ALL ON DATABASE idtrail_directory FROM PUBLIC;

\set password `cat /run/secrets/notify/password`
CREATE ROLE idtrail_notify LOGIN PASSWORD :'password';
CREATE DATABASE idtrail_notify OWNER idtrail_notify;
REVOKE ALL ON DATABASE idtrail_notify FROM PUBLIC;

\set password `cat /run/secrets/history/password`
CREATE ROLE idtrail_history LOGIN PASSWORD :'password';
CREATE DATABASE idtrail_history OWNER idtrail_history;
REVOKE ALL ON DATABASE idtrail_history FROM PUBLIC;

\set password `cat /run/secrets/keys/password`
CREATE ROLE idtrail_keys LOGIN PASSWORD :'password';
CREATE DATABASE idtrail_keys OWNER idtrail_keys;
REVOKE ALL ON DATABASE idtrail_keys FROM PUBLIC;

-- The migrations grant these what they may do.
CREATE ROLE audit_writer NOLOGIN;
CREATE ROLE audit_reader NOLOGIN;
GRANT CONNECT ON DATABASE idtrail_history, idtrail_keys TO audit_writer, audit_reader;
\set password `cat /run/secrets/audit/password`
CREATE ROLE idtrail_audit LOGIN PASSWORD :'password' IN ROLE audit_writer;

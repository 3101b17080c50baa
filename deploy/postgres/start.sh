#!/bin/sh
# Makes the databases on the first start, then becomes the server. Passwords are files of /run/secrets.
set -eu

data=/var/lib/postgresql/data/pgdata
PATH=$(ls -d /usr/lib/postgresql/*/bin):$PATH

if [ ! -e "$data/made" ]; then
    rm -rf "$data"
    initdb -D "$data" -U postgres --pwfile=/run/secrets/postgres_password --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8
    cat >>"$data/postgresql.conf" <<'SETTINGS'
listen_addresses = '*'
wal_level = logical
max_replication_slots = 20
max_wal_senders = 20
# A consumer that is away for long is cut off rather than the disk filled.
max_slot_wal_keep_size = '10GB'
SETTINGS
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
    echo 'host replication all all scram-sha-256' >>"$data/pg_hba.conf"
    for name in leat registry airflow; do
        password=$(cat "/run/secrets/${name}_password")
        printf "CREATE ROLE %s LOGIN REPLICATION PASSWORD '%s';\nCREATE DATABASE %s OWNER %s;\n" \
            "$name" "$password" "$name" "$name"
    done | postgres --single -D "$data" postgres >/dev/null
    touch "$data/made"
fi
exec postgres -D "$data"

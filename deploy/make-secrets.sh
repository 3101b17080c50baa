#!/bin/sh
# Passwords of this installation, made once into a volume that every service mounts at /run/secrets.
set -eu

cd /run/secrets
umask 077
for name in postgres leat registry airflow; do
    if ! [ -s "${name}_password" ]; then
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"${name}_password"
    fi
done
printf 'postgres:5432:*:leat:%s\n' "$(cat leat_password)" >leat.pgpass
printf 'postgresql+psycopg2://airflow:%s@postgres/airflow' "$(cat airflow_password)" >airflow_database
for name in airflow_jwt airflow_fernet; do
    if ! [ -s "$name" ]; then
        head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$name"
    fi
done

# Each file is for the user of the one service that reads it; PostgreSQL makes the roles, so it reads all.
chown 999:999 ./*_password
chmod 0440 ./*_password
chgrp 65532 leat_password
chgrp 185 registry_password
chgrp 0 airflow_password
chown 65532:65532 leat.pgpass
chown 50000:0 airflow_*
chown 999:0 airflow_password

# Who may look at Airflow's page: one person, `admin`. Airflow wants to own this file.
if ! [ -s /airflow/passwords.json ]; then
    printf '{"admin": "%s"}\n' "$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')" >/airflow/passwords.json
fi
mkdir -p /airflow/logs
chown -R 50000:0 /airflow
chmod 0711 .

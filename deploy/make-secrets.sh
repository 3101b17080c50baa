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

# Each file is for the user of the one service that reads it; PostgreSQL makes the roles, so it reads all.
chown 999:999 ./*_password
chmod 0440 ./*_password
chgrp 65532 leat_password
chgrp 185 registry_password
chgrp 0 airflow_password
chown 65532:65532 leat.pgpass
chmod 0711 .

#!/bin/sh
# Initialises an empty data folder as the official image does, then becomes the server.
set -eu
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  install -d -o postgres -g postgres -m 0700 "$PGDATA" /var/run/postgresql
  secret=$(mktemp) && printf '%s' "$POSTGRES_PASSWORD" >"$secret" && chown postgres "$secret"
  as_postgres initdb --username="$POSTGRES_USER" --pwfile="$secret" --locale=C.UTF-8 --encoding=UTF8 \
    --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  rm "$secret"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  echo "CREATE DATABASE \"$POSTGRES_DB\"" | as_postgres postgres --single postgres >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@"

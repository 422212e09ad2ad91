#!/usr/bin/env bash
# Generates the passwords that compose.yaml mounts into its containers. Existing ones are kept.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets # the files are readable in the containers, whose user is another one
for name in nats nats-private clickhouse-writer clickhouse-reader clickhouse-bi; do
  [ -s "secrets/$name" ] && continue
  head -c 32 /dev/urandom | base64 | tr -d '=\n' >"secrets/$name"
  chmod 444 "secrets/$name"
done

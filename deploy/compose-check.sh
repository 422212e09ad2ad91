#!/usr/bin/env bash
# Starts compose.yaml in both profiles, from nothing to a GraphQL answer about events that were sent, and
# takes it down again. On ports and with a project name of its own, beside an installation that runs.
set -euo pipefail
cd "$(dirname "$0")"
export COMPOSE_PROJECT_NAME=parley-check
export PARLEY_HTTP_PORT=${PARLEY_HTTP_PORT:-28080} PARLEY_QUERY_PORT=${PARLEY_QUERY_PORT:-28081}
export PARLEY_NATS_PORT=${PARLEY_NATS_PORT:-24222} PARLEY_CLICKHOUSE_PORT=${PARLEY_CLICKHOUSE_PORT:-28123}

if docker compose version >/dev/null 2>&1; then compose=(docker compose)
elif command -v docker-compose >/dev/null; then compose=(docker-compose)
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-compose >/dev/null 2>&1; then compose=(docker-compose)
else echo "compose: Docker Compose is missing: install docker-compose" >&2; exit 1; fi
./secrets.sh

# check PROFILE KEYS QUERY: service KEYS adds a key, QUERY is the port that answers GraphQL.
check() {
  local began=$SECONDS
  local up=("${compose[@]}" --profile "$1")
  "${up[@]}" up -d --no-build >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  local key id secret answer
  until key=$("${up[@]}" exec -T "$2" /usr/local/bin/parley key add --name check --projects 9999 --scopes ingest,read 2>"$log"); do
    [ $((SECONDS - began)) -lt 120 ] || { cat "$log" >&2; "${up[@]}" logs --tail 20 >&2; return 1; }
    sleep 0.5
  done
  id=$(sed -E 's/.*"id":"([^"]+)".*/\1/' <<<"$key")
  secret=$(sed -E 's/.*"secret":"([^"]+)".*/\1/' <<<"$key")
  local curl=(curl -sS --max-time 10 -H "x-api-id: $id" -H "x-api-secret: $secret")
  "${curl[@]}" --retry 30 --retry-delay 1 --retry-all-errors -f -H 'content-type: application/x-ndjson' \
    --data-binary @../cmd/parley/testdata/snooze.ndjson "http://127.0.0.1:$PARLEY_HTTP_PORT/v1/events" >/dev/null
  until answer=$("${curl[@]}" -H 'content-type: application/json' -d '{"query":"{contacts(filters: {projectIds: 9999}, interval: {from: \"2000-01-01T00:00:00Z\", to: \"2100-01-01T00:00:00Z\"}) {totalCount}}"}' \
    "http://127.0.0.1:$3/graphql" 2>"$log") && grep -q '"totalCount":[1-9]' <<<"$answer"; do
    [ $((SECONDS - began)) -lt 180 ] || { echo "compose: profile $1 has no answer: $answer" >&2; cat "$log" >&2; "${up[@]}" logs --tail 20 >&2; return 1; }
    sleep 0.5
  done
  "${up[@]}" down -v >"$log" 2>&1
  echo "compose: profile $1: from up to an answer of GraphQL in $((SECONDS - began)) s: ${answer%%,\"extensions*}"
}

log=$(mktemp)
trap '"${compose[@]}" --profile single --profile engines down -v >/dev/null 2>&1; rm -f "$log"' EXIT
check single parley "$PARLEY_HTTP_PORT"
check engines ingest "$PARLEY_QUERY_PORT"

#!/usr/bin/env bash
# Runs commands with a Docker engine: the one that answers, or one that is started for them as root.
#
#   deploy/docker.sh run COMMAND...   run a command, and stop the engine afterwards if it was started here
#   deploy/docker.sh start            start an engine that stays, and print DOCKER_HOST for eval
#   deploy/docker.sh stop             stop the engine that start left running (DOCKER_HOST names it)
#
# An engine started here keeps its data in a temporary directory, has a socket of its own, changes no
# firewall rule and gives containers no way out of the machine.
set -euo pipefail

say() { echo "docker: $*" >&2; }
die() { say "$@"; exit 1; }

answers() { docker version --format '{{.Server.Version}}' 2>/dev/null; }

# install gets dockerd from Debian's docker.io.
install() {
  command -v dockerd >/dev/null && command -v docker >/dev/null && return
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "no Docker engine answers: install and start Docker (on Debian and Ubuntu: apt-get install docker.io)"
  say "installing docker.io"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables; } >/dev/null 2>&1 ||
    die "docker.io could not be installed: run apt-get install docker.io"
}

# start starts an engine in $dir and waits for it.
start() {
  [ "$(id -u)" = 0 ] || die "no Docker engine answers: start Docker, or run this as root"
  dir=$(mktemp -d /tmp/parley-docker.XXXXXX)
  export DOCKER_HOST=unix://$dir/docker.sock
  # setsid: Ctrl-C is for the command, which still needs the engine to clean up.
  setsid dockerd --host "$DOCKER_HOST" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" \
    --iptables=false --ip6tables=false --ip-masq=false >"$dir/log" 2>&1 </dev/null &
  local began=$SECONDS
  until answers >/dev/null; do
    if ! kill -0 $! 2>/dev/null || [ $((SECONDS - began)) -gt 60 ]; then
      tail -n 20 "$dir/log" >&2
      stop
      die "dockerd does not run here: see the lines above"
    fi
    sleep 0.2
  done
  say "started dockerd $(answers) with its data in $dir"
}

# stop ends the engine in $dir and removes its data.
stop() {
  local pid
  if pid=$(cat "$dir/pid" 2>/dev/null) && kill "$pid" 2>/dev/null; then
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  fi
  rm -rf "$dir"
}

# ours takes the directory of an engine that was started here from DOCKER_HOST.
ours() {
  dir=${DOCKER_HOST#unix://}
  dir=${dir%/docker.sock}
  [[ $dir == /tmp/parley-docker.* ]] || die "DOCKER_HOST names no engine that was started with deploy/docker.sh start"
}

case "${1:-}" in
run)
  shift
  if command -v docker >/dev/null && server=$(answers); then
    say "using the engine that answers, version $server"
    exec "$@"
  fi
  install
  start
  trap stop EXIT
  "$@"
  ;;
start)
  if command -v docker >/dev/null && answers >/dev/null; then
    die "an engine answers already: nothing to start"
  fi
  install
  start
  echo "export DOCKER_HOST=$DOCKER_HOST"
  ;;
stop)
  ours
  stop
  ;;
*)
  die "usage: deploy/docker.sh run COMMAND... | start | stop"
  ;;
esac

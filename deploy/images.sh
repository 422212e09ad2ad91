#!/usr/bin/env bash
# Builds the image parley:local, and says from what: from deploy/Dockerfile where its base images can be
# pulled, otherwise as a stand-in FROM scratch from what `make build engine` has left in the tree.
set -euo pipefail
cd "$(dirname "$0")/.."
image=${PARLEY_IMAGE:-parley:local}
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo development)}

say() { echo "images: $*"; }

# missing prints the first base image of the Dockerfile that is not here and cannot be pulled, with the reason.
missing() {
  local base why
  for base in $(sed -nE 's/^ARG [A-Z]+_IMAGE=//p' deploy/Dockerfile); do
    docker image inspect "$base" >/dev/null 2>&1 && continue
    why=$(timeout 120 docker pull -q "$base" 2>&1 >/dev/null) || { echo "$base cannot be pulled (${why##*: })"; return; }
  done
}

why=$(missing)
if [ -z "$why" ]; then
  docker build -q -f deploy/Dockerfile --build-arg "VERSION=$version" -t "$image" . >/dev/null
  say "$image is built from deploy/Dockerfile, version $version"
  exit
fi

library=${CHDB_LIB:-$(ls deploy/embedded/node_modules/@chdb/*/libchdb.so)}
context=$(mktemp -d .build/image.XXXXXX)
trap 'rm -rf "$context"' EXIT
mkdir -p "$context"/{bin,library,data,root/etc/ssl/certs,root/tmp}
chmod 1777 "$context/root/tmp"
cp .build/parley "$context/bin/"
cp --reflink=auto "$(readlink -f "$library")" "$context/library/libchdb.so"
# The C library, at the paths at which the loader looks for it.
for file in $({ ldd .build/parley; ldd "$library"; } | grep -oE '/[^ ]+' | sort -u); do
  case "$file" in *:) continue ;; esac
  mkdir -p "$context/root$(dirname "$file")"
  cp -L "$file" "$context/root$file"
done
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$context/root/etc/ssl/certs/"
echo 'parley:x:65532:65532::/var/lib/parley:/sbin/nologin' >"$context/root/etc/passwd"
echo 'parley:x:65532:' >"$context/root/etc/group"
echo 'hosts: files dns' >"$context/root/etc/nsswitch.conf"
# Debian's engine has no BuildKit that the newer clients could use.
DOCKER_BUILDKIT=0 docker build -q -f deploy/Dockerfile.standin -t "$image" "$context" >"$context/log" 2>&1 || { cat "$context/log" >&2; exit 1; }
say "$why"
say "$image is a stand-in FROM scratch, $(.build/parley version), with $(basename "$library") and the C library of this machine ($(ldd --version | head -1 | grep -oE '[0-9.]+$'))"

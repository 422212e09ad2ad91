#!/usr/bin/env bash
# Builds the Debian package from what `make build engine` has left in the tree.
set -euo pipefail
cd "$(dirname "$0")/../.."
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4

# Of a version that is no tag, Debian wants one that sorts below every release: 0~COMMIT.
tag=${VERSION#v}
[[ $tag =~ ^[0-9]+\.[0-9]+ ]] || tag="0~${tag:-development}"
export VERSION=$tag ARCH=${ARCH:-$(go env GOARCH)}
mkdir -p .build/deb
cp .build/parley .build/deb/parley
cp --reflink=auto "$(readlink -f "${CHDB_LIB:-$(ls deploy/embedded/node_modules/@chdb/*/libchdb.so)}")" .build/deb/libchdb.so
go run "$nfpm" package --config deploy/debian/nfpm.yaml --packager deb --target .build/

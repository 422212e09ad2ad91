#!/usr/bin/env bash
# Builds the release of the current commit into .build/release: an archive and an SBOM (CycloneDX) for each
# platform, SHA256SUMS, and provenance.json, which says from what they were built. The version is the tag.
# The same commit gives the same archives.
set -euo pipefail
cd "$(dirname "$0")/.."
sbom=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
platforms=(${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64})

version=${VERSION:-$(git describe --tags --always --dirty)}
if ! [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || ! git describe --tags --exact-match >/dev/null 2>&1; then
  echo "release: the commit has no version tag: this is a trial of $version, not a release" >&2
fi
commit=$(git rev-parse HEAD)
dated=$(git log -1 --format=%ct)
out=.build/release
rm -rf "$out"
mkdir -p "$out"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
GOBIN=$tools go install "$sbom"

for platform in "${platforms[@]}"; do
  name=parley_${version#v}_${platform/\//_}
  mkdir "$tools/$name"
  GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.version=$version" -o "$tools/$name/parley" ./cmd/parley
  cp LICENSE README.md "$tools/$name/"
  "$tools/cyclonedx-gomod" bin -json -noserial -output "$out/$name.cdx.json" -version "$version" "$tools/$name/parley" 2>"$tools/log" || { cat "$tools/log" >&2; exit 1; }
  tar --sort=name --mtime="@$dated" --owner=0 --group=0 --numeric-owner --mode='u+rw,go+r-w' -C "$tools" -cf - "$name" | gzip -n9 >"$out/$name.tar.gz"
  rm -rf "${tools:?}/$name"
  echo "release: $name.tar.gz"
done
(
  cd "$out"
  sha256sum ./*.tar.gz ./*.cdx.json | sed 's|\./||' >SHA256SUMS
  {
    printf '{\n  "version": "%s",\n  "commit": "%s",\n  "committed": "%s",\n  "go": "%s",\n' \
      "$version" "$commit" "$(date -u -d "@$dated" +%FT%TZ)" "$(go env GOVERSION)"
    printf '  "command": "make release",\n  "module": "%s",\n  "goSum": "%s",\n  "subjects": {\n' \
      "$(go list -m)" "$(sha256sum <../../go.sum | cut -d' ' -f1)"
    awk '{printf "%s    \"%s\": \"%s\"", sep, $2, $1; sep = ",\n"} END {print "\n  }\n}"}' SHA256SUMS
  } >provenance.json
)
echo "release: $(wc -l <"$out/SHA256SUMS") files of $version in $out, with SHA256SUMS and provenance.json"

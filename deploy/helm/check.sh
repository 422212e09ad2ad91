#!/usr/bin/env bash
# Lints the chart, renders it with several values, and checks what comes out. Helm comes from the Go proxy.
set -euo pipefail
cd "$(dirname "$0")"
out=$(cd ../.. && pwd)/.build
helm=$out/bin/helm
check=$out/bin/chart-check
[ -x "$helm" ] || GOBIN=$out/bin go install helm.sh/helm/v3/cmd/helm@v3.22.0
(cd check && go build -trimpath -o "$check" .)

egress='[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]'
external=(--set nats.url=nats://nats.example:4222 --set clickhouse.url=http://clickhouse.example:8123 --set-json "networkPolicy.egress=$egress")
everything=(--set ingress.enabled=true --set ingress.tlsSecret=tls --set project.autoscaling.enabled=true --set nats.privateUser=
  --set-json 'tolerations=[{"key":"a","operator":"Exists"}]' --set-json 'networkPolicy.from=[{"podSelector":{}}]' --set nats.storageClass=fast)

encrypted=(--set tls.secret=parley-tls)
servers=(--set nats.url=tls://nats.example:4222,nats.tlsSecret=nats-ca,nats.clientCertificate=true --set clickhouse.url=https://clickhouse.example:8443
  --set clickhouse.tlsSecret=clickhouse-ca --set-json "networkPolicy.egress=$egress")

"$helm" lint --strict --quiet parley
"$helm" template --kube-version 1.30.0 release parley | "$check"
"$helm" template --kube-version 1.30.0 release parley "${external[@]}" | "$check"
"$helm" template --kube-version 1.30.0 release parley "${everything[@]}" | "$check"
"$helm" template --kube-version 1.30.0 release parley --set networkPolicy.enabled=false,ingest.autoscaling.enabled=false | "$check"
"$helm" template --kube-version 1.30.0 release parley "${encrypted[@]}" | "$check" encrypted
"$helm" template --kube-version 1.30.0 release parley "${encrypted[@]}" "${servers[@]}" | "$check" encrypted
"$helm" template --kube-version 1.30.0 release parley "${servers[@]}" | "$check"

# What cannot work is refused with the reason.
refused() {
  local why=$1
  shift
  if "$helm" template --kube-version 1.30.0 release parley "$@" >/dev/null 2>"$out/helm.err" || ! grep -qF "$why" "$out/helm.err"; then
    echo "helm: $* was not refused with \"$why\":" >&2
    cat "$out/helm.err" >&2
    exit 1
  fi
}
refused networkPolicy.egress --set nats.url=nats://nats.example:4222
refused ingress.tlsSecret --set ingress.enabled=true
refused nats.tlsSecret --set nats.clientCertificate=true
refused ingress.annotations --set ingress.enabled=true,ingress.tlsSecret=tls "${encrypted[@]}"
# The check finds what it is for.
if "$helm" template --kube-version 1.30.0 release parley | sed 's/readinessProbe:/readynessProbe:/' | "$check" >/dev/null 2>&1; then
  echo "helm: the check does not find a misspelled field" >&2
  exit 1
fi
if "$helm" template --kube-version 1.30.0 release parley "${encrypted[@]}" | sed 's|scheme: HTTPS|scheme: HTTP|' | "$check" encrypted >/dev/null 2>&1; then
  echo "helm: the check does not find a probe in clear text" >&2
  exit 1
fi
echo "helm: the chart is linted, and its manifests decode strictly"

{{- define "parley.name" -}}{{ printf "%s-%s" .root.Release.Name .role | trunc 63 | trimSuffix "-" }}{{- end }}

{{- define "parley.selector" -}}
app.kubernetes.io/name: parley
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "parley.labels" -}}
{{ include "parley.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "parley.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end }}

{{- define "parley.natsURL" -}}
{{- .Values.nats.url | default (printf "%s://%s:4222" (ternary "tls" "nats" (ne .Values.tls.secret "")) (include "parley.name" (dict "root" . "role" "nats"))) }}
{{- end }}

{{- define "parley.clickhouseURL" -}}
{{- .Values.clickhouse.url | default (printf "%s://%s:8123" (ternary "https" "http" (ne .Values.tls.secret "")) (include "parley.name" (dict "root" . "role" "clickhouse"))) }}
{{- end }}

{{- /* Secrets with the CA that signed the certificates of the engines: of your server, or of the chart's. */ -}}
{{- define "parley.natsCA" -}}{{ ternary .Values.nats.tlsSecret .Values.tls.secret (ne .Values.nats.url "") }}{{- end }}
{{- define "parley.clickhouseCA" -}}{{ ternary .Values.clickhouse.tlsSecret .Values.tls.secret (ne .Values.clickhouse.url "") }}{{- end }}

{{- /* The user of the image. Files of secrets belong to root and are readable by its group. */ -}}
{{- define "parley.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "parley.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "parley.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

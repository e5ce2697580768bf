{{/* What the control plane's pod and its test's have in common. */}}
{{- define "mooring-control-plane.podSpec" -}}
# A Service named "mooring" would else set MOORING_PORT and its like.
enableServiceLinks: false
{{- with include "mooring-control-plane.imagePullSecrets" . | trim }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "mooring-control-plane.container" -}}
image: {{ include "mooring-control-plane.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
# The last lines of the log, in `kubectl describe`, where it ends with an error.
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{/* The user's annotations win over ours. */}}
{{- define "mooring-control-plane.podAnnotations" -}}
{{- $own := dict "kubectl.kubernetes.io/default-container" "control-plane" }}
{{- if .Values.metrics.annotations }}
{{- $port := int .Values.metrics.port | toString }}
{{- $own = merge $own (dict "prometheus.io/scrape" "true" "prometheus.io/port" $port "prometheus.io/path" "/metrics") }}
{{- end }}
{{- merge (dict) .Values.podAnnotations $own | toYaml }}
{{- end }}

{{/* Ours, with whatever extraEnv names replaced by that. */}}
{{- define "mooring-control-plane.environment" -}}
{{- $extra := dict }}
{{- range .Values.extraEnv }}{{ $_ := set $extra .name true }}{{ end }}
{{- $all := list }}
{{- range include "mooring-control-plane.ownEnvironment" . | fromYamlArray }}
{{- if not (hasKey $extra .name) }}{{ $all = append $all . }}{{ end }}
{{- end }}
{{- concat $all .Values.extraEnv | toYaml }}
{{- end }}

{{- define "mooring-control-plane.ownEnvironment" -}}
- name: MOORING_LISTEN
  value: {{ printf "%s:7480" .Values.metrics.host | quote }}
- name: MOORING_HEALTH_LISTEN
  value: {{ printf "%s:%d" .Values.metrics.host (int .Values.metrics.port) | quote }}
- name: MOORING_DATA
  value: /var/lib/mooring/data
- name: MOORING_PUBLIC_URL
  value: {{ trimSuffix "/" .Values.publicUrl | quote }}
{{- if .Values.tls.existingSecret }}
- name: MOORING_TLS_CERT
  value: /etc/mooring/tls/tls.crt
- name: MOORING_TLS_KEY
  value: /etc/mooring/tls/tls.key
{{- else }}
- name: MOORING_BEHIND_TLS_PROXY
  value: "true"
{{- end }}
- name: MOORING_OPERATOR_TOKEN_FILE
  value: {{ printf "/var/run/secrets/mooring/operator/%s" .Values.operatorToken.existingSecret.key | quote }}
{{- if .Values.viewerToken.existingSecret.name }}
- name: MOORING_VIEWER_TOKEN_FILE
  value: {{ printf "/var/run/secrets/mooring/viewer/%s" .Values.viewerToken.existingSecret.key | quote }}
{{- end }}
- name: MOORING_LIVENESS
  value: {{ .Values.liveness }}
- name: MOORING_LOG_LEVEL
  value: {{ .Values.log.level }}
{{- if .Values.admissionRate }}
- name: MOORING_ADMISSION_RATE
  value: {{ .Values.admissionRate | toString | quote }}
{{- end }}
{{- with .Values.chart }}
- name: MOORING_CHART
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The user's annotations win over ours. */}}
{{- define "mooring-connector.podAnnotations" -}}
{{- $own := dict "kubectl.kubernetes.io/default-container" "connector" }}
{{- if .Values.metrics.annotations }}
{{- $port := int .Values.metrics.port | toString }}
{{- $own = merge $own (dict "prometheus.io/scrape" "true" "prometheus.io/port" $port "prometheus.io/path" "/metrics") }}
{{- end }}
{{- merge (dict) .Values.podAnnotations $own | toYaml }}
{{- end }}

{{/* Not the connector's selector: no budget, monitor or log command takes the doctor for a connector. */}}
{{- define "mooring-connector.doctorLabels" -}}
app.kubernetes.io/name: {{ include "mooring-connector.name" . }}-doctor
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: doctor
{{ include "mooring-connector.commonLabels" . }}
{{- end }}

{{- define "mooring-connector.hookAnnotations" -}}
helm.sh/hook: test
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
{{- end }}

{{/* What the connector's pod and its doctor's have in common. */}}
{{- define "mooring-connector.podSpec" -}}
serviceAccountName: {{ include "mooring-connector.serviceAccountName" . }}
automountServiceAccountToken: {{ include "mooring-connector.automount" . }}
# A Service named "mooring" would else set MOORING_PORT and its like.
enableServiceLinks: false
{{- with include "mooring-connector.imagePullSecrets" . | trim }}
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
volumes:
  {{- include "mooring-connector.volumes" . | nindent 2 }}
{{- end }}

{{- define "mooring-connector.container" -}}
image: {{ include "mooring-connector.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "mooring-connector.environment" . | nindent 2 }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- include "mooring-connector.volumeMounts" . | nindent 2 }}
# The last lines of the log, in `kubectl describe`, where it ends with an error.
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{- define "mooring-connector.configurationPath" -}}
/etc/mooring/configuration/{{ default "mooring.yaml" .Values.existingConfigMap.key }}
{{- end }}

{{/* Names and labels. A release "prod" makes "prod-connector"; one named after the chart keeps its name. */}}
{{- define "mooring-connector.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "mooring-connector.fullname" -}}
{{- $suffix := default "connector" .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $suffix .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $suffix | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The name of what lives outside of the release's namespace: two releases of one name must not meet there. */}}
{{- define "mooring-connector.outerName" -}}
{{- printf "%s-%s" .Release.Namespace (include "mooring-connector.fullname" .) }}
{{- end }}

{{/* What never changes for a release: a selector cannot be changed. */}}
{{- define "mooring-connector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mooring-connector.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mooring-connector.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: mooring
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mooring-connector.labels" -}}
{{ include "mooring-connector.selectorLabels" . }}
app.kubernetes.io/component: connector
{{ include "mooring-connector.commonLabels" . }}
{{- end }}

{{- define "mooring-connector.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "mooring-connector.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "mooring-connector.stateSecret" -}}
{{- default (printf "%s-identity" (include "mooring-connector.fullname" .)) .Values.state.secretName }}
{{- end }}

{{- define "mooring-connector.configMap" -}}
{{- default (include "mooring-connector.fullname" .) .Values.existingConfigMap.name }}
{{- end }}

{{- define "mooring-connector.joinSecret" -}}
{{- default (printf "%s-join" (include "mooring-connector.fullname" .)) .Values.controlPlane.auth.existingSecret.name }}
{{- end }}

{{- define "mooring-connector.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry | trimSuffix "/" }}
{{- $repository := .Values.image.repository }}
{{- if $registry }}{{ $repository = printf "%s/%s" $registry $repository }}{{ end }}
{{- $digest := "" }}
{{- if .Values.image.digest }}{{ $digest = printf "@%s" .Values.image.digest }}{{ end }}
{{- printf "%s:%s%s" $repository (default .Chart.AppVersion .Values.image.tag) $digest }}
{{- end }}

{{- define "mooring-connector.imagePullSecrets" -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets | uniq }}
- name: {{ . }}
{{- end }}
{{- end }}

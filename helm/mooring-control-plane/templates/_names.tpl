{{/* Names and labels. A release "mooring" makes "mooring-control-plane"; one named after the chart keeps its name. */}}
{{- define "mooring-control-plane.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "mooring-control-plane.fullname" -}}
{{- $suffix := default "control-plane" .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $suffix .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $suffix | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What never changes for a release: a selector cannot be changed. */}}
{{- define "mooring-control-plane.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mooring-control-plane.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mooring-control-plane.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: mooring
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mooring-control-plane.labels" -}}
{{ include "mooring-control-plane.selectorLabels" . }}
app.kubernetes.io/component: control-plane
{{ include "mooring-control-plane.commonLabels" . }}
{{- end }}

{{/* Not the control plane's selector: no Service sends requests to the test's pod. */}}
{{- define "mooring-control-plane.testLabels" -}}
app.kubernetes.io/name: {{ include "mooring-control-plane.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{ include "mooring-control-plane.commonLabels" . }}
{{- end }}

{{- define "mooring-control-plane.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "mooring-control-plane.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "mooring-control-plane.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry | trimSuffix "/" }}
{{- $repository := .Values.image.repository }}
{{- if $registry }}{{ $repository = printf "%s/%s" $registry $repository }}{{ end }}
{{- $digest := "" }}
{{- if .Values.image.digest }}{{ $digest = printf "@%s" .Values.image.digest }}{{ end }}
{{- printf "%s:%s%s" $repository (default .Chart.AppVersion .Values.image.tag) $digest }}
{{- end }}

{{- define "mooring-control-plane.imagePullSecrets" -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets | uniq }}
- name: {{ . }}
{{- end }}
{{- end }}

{{/* The host of the public address, without its port. */}}
{{- define "mooring-control-plane.publicHost" -}}
{{- regexReplaceAll ":[0-9]+$" (urlParse .Values.publicUrl).host "" | lower }}
{{- end }}

{{/* What speaks to the main port: https where TLS ends here. */}}
{{- define "mooring-control-plane.scheme" -}}
{{- if .Values.tls.existingSecret }}https{{ else }}http{{ end }}
{{- end }}

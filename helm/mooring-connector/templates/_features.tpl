{{/* What is on: each gives "true" or nothing. */}}

{{/* The identity is kept in a Secret. */}}
{{- define "mooring-connector.hasStateSecret" -}}
{{- if and .Values.controlPlane.enabled (not .Values.state.volume) }}true{{ end }}
{{- end }}

{{/* A join token is handed over. */}}
{{- define "mooring-connector.hasJoinToken" -}}
{{- if and .Values.controlPlane.enabled (eq .Values.controlPlane.auth.method "token") }}true{{ end }}
{{- end }}

{{/* A projected token of the ServiceAccount takes its place. */}}
{{- define "mooring-connector.hasProjectedToken" -}}
{{- if and .Values.controlPlane.enabled (eq .Values.controlPlane.auth.method "kubernetes") }}true{{ end }}
{{- end }}

{{/* More than one replica, or a number that others own. */}}
{{- define "mooring-connector.hasLease" -}}
{{- if kindIs "invalid" .Values.replicaCount }}true{{ else if gt (int .Values.replicaCount) 1 }}true{{ end }}
{{- end }}

{{/* Stores that read Kubernetes Secrets, by name, as a JSON list. */}}
{{- define "mooring-connector.kubernetesStores" -}}
{{- $names := list "kubernetes" }}
{{- range .Values.secretStores }}
{{- if eq .type "kubernetes" }}{{ $names = append $names .name }}{{ end }}
{{- end }}
{{- $names | uniq | toJson }}
{{- end }}

{{/* Some integration reads a Kubernetes Secret, or may. */}}
{{- define "mooring-connector.readsSecrets" -}}
{{- $stores := include "mooring-connector.kubernetesStores" . | fromJsonArray }}
{{- $reads := or .Values.rbac.secrets .Values.rbac.clusterWideSecrets }}
{{- range .Values.integrations }}
{{- if and .secret (has (dig "secret" "store" "" .) $stores) }}{{ $reads = true }}{{ end }}
{{- end }}
{{- if $reads }}true{{ end }}
{{- end }}

{{/* The pod talks to the Kubernetes API. */}}
{{- define "mooring-connector.usesApi" -}}
{{- $stateSecret := include "mooring-connector.hasStateSecret" . }}
{{- $lease := include "mooring-connector.hasLease" . }}
{{- $reads := include "mooring-connector.readsSecrets" . }}
{{- if or $stateSecret $lease $reads .Values.sources.crd.enabled .Values.diagnostics.namespaces .Values.rbac.extraRules }}true{{ end }}
{{- end }}

{{/* Some store logs in by the ServiceAccount's token at its usual place. */}}
{{- define "mooring-connector.usesPodToken" -}}
{{- $uses := false }}
{{- range .Values.secretStores }}
{{- $auth := default dict (default dict .config).auth }}
{{- $byAccount := has (default "" $auth.method) (list "kubernetes" "jwt") }}
{{- if and (eq .type "vault") $byAccount (not $auth.tokenFile) }}{{ $uses = true }}{{ end }}
{{- end }}
{{- if $uses }}true{{ end }}
{{- end }}

{{- define "mooring-connector.automount" -}}
{{- if kindIs "bool" .Values.serviceAccount.automount }}
{{- .Values.serviceAccount.automount }}
{{- else }}
{{- or (include "mooring-connector.usesApi" .) (include "mooring-connector.usesPodToken" .) | eq "true" }}
{{- end }}
{{- end }}

{{/* Namespaces of the CRD source, as a JSON list; ["*"] is all. */}}
{{- define "mooring-connector.crdNamespaces" -}}
{{- $namespaces := .Values.sources.crd.namespaces }}
{{- if not $namespaces }}{{ $namespaces = list .Release.Namespace }}{{ end }}
{{- $namespaces | toJson }}
{{- end }}

{{/* The control plane's https origin, as a URL's parser would write it: what tokens are meant for. */}}
{{- define "mooring-connector.origin" -}}
{{- $origin := .Values.controlPlane.url | lower | trimSuffix "/" | replace "wss://" "https://" | replace "ws://" "http://" }}
{{- regexReplaceAll "^(http://.*):80$" (regexReplaceAll "^(https://.*):443$" $origin "${1}") "${1}" }}
{{- end }}

{{- define "mooring-connector.hasProxy" -}}
{{- if or .Values.proxy.https .Values.proxy.http .Values.proxy.existingSecret.name }}true{{ end }}
{{- end }}

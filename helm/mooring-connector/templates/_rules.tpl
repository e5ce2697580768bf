{{/* Rules in the release's namespace. Each feature adds its own rows and no others. */}}
{{- define "mooring-connector.ownRules" -}}
{{- if include "mooring-connector.hasStateSecret" . }}
# The connector's own key.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "mooring-connector.stateSecret" . }}]
  verbs: [get, patch]
{{- end }}
{{- if include "mooring-connector.hasLease" . }}
# The Lease that elects the replica that works.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "mooring-connector.fullname" . }}]
  verbs: [get, update]
{{- end }}
{{- with .Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Integration resources: looked at and watched, their status written, Events made. */}}
{{- define "mooring-connector.integrationRules" -}}
- apiGroups: [mooring.dev]
  resources: [integrations]
  verbs: [get, list, watch]
- apiGroups: [mooring.dev]
  resources: [integrations/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}

{{/* What a diagnosis of an unreachable target looks at. */}}
{{- define "mooring-connector.diagnosticRules" -}}
- apiGroups: [""]
  resources: [services, pods]
  verbs: [get, list]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list]
{{- end }}

{{/*
A Role or ClusterRole with its binding. Takes context, name, rules, and for a Role its namespace.
*/}}
{{- define "mooring-connector.role" -}}
{{- $kind := ternary "Role" "ClusterRole" (hasKey . "namespace") -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "mooring-connector.labels" .context | nindent 4 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "mooring-connector.labels" .context | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "mooring-connector.serviceAccountName" .context }}
    namespace: {{ .context.Release.Namespace }}
{{ end }}

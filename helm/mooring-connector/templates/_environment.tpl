{{/* The environment of the connector and of its doctor: ours, with whatever extraEnv names replaced by that. */}}
{{- define "mooring-connector.environment" -}}
{{- $extra := dict }}
{{- range .Values.extraEnv }}{{ $_ := set $extra .name true }}{{ end }}
{{- $all := list }}
{{- range include "mooring-connector.ownEnvironment" . | fromYamlArray }}
{{- if not (hasKey $extra .name) }}{{ $all = append $all . }}{{ end }}
{{- end }}
{{- concat $all .Values.extraEnv | toYaml }}
{{- end }}

{{- define "mooring-connector.ownEnvironment" -}}
{{- if .Values.controlPlane.enabled }}
- name: MOORING_CONTROL_PLANE
  value: {{ .Values.controlPlane.url | quote }}
- name: MOORING_STATE
  value: {{ if include "mooring-connector.hasStateSecret" . }}{{ printf "secret:%s" (include "mooring-connector.stateSecret" .) | quote }}{{ else }}/var/lib/mooring/state{{ end }}
{{- end }}
{{- if include "mooring-connector.hasJoinToken" . }}
- name: MOORING_JOIN_TOKEN_FILE
  value: {{ printf "/var/run/secrets/mooring/join/%s" .Values.controlPlane.auth.existingSecret.key | quote }}
{{- end }}
{{- if include "mooring-connector.hasProjectedToken" . }}
- name: MOORING_SERVICE_ACCOUNT_TOKEN_FILE
  value: /var/run/secrets/mooring/serviceaccount/token
{{- end }}
{{- if or .Values.controlPlane.ca.existingSecret .Values.controlPlane.ca.existingConfigMap }}
- name: MOORING_CA
  value: {{ printf "/etc/mooring/control-plane-ca/%s" .Values.controlPlane.ca.key | quote }}
{{- end }}
- name: MOORING_LISTEN
  value: {{ printf "%s:%d" .Values.metrics.host (int .Values.metrics.port) | quote }}
- name: MOORING_READINESS
  value: {{ .Values.readiness.requireControlPlane }}
- name: MOORING_TUNE
  value: {{ .Values.tune }}
- name: MOORING_LOG_LEVEL
  value: {{ .Values.log.level }}
{{- if .Values.optIn.required }}
- name: MOORING_REQUIRE_OPT_IN
  value: "true"
{{- end }}
{{- if include "mooring-connector.hasLease" . }}
- name: MOORING_LEASE
  value: {{ include "mooring-connector.fullname" . }}
{{- end }}
{{- if .Values.sources.crd.enabled }}
- name: MOORING_CRD_NAMESPACES
  value: {{ include "mooring-connector.crdNamespaces" . | fromJsonArray | join "," | quote }}
{{- end }}
- name: MOORING_INSTALL_KIND
  value: {{ .Values.installKind }}
- name: MOORING_INSTALL_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: MOORING_INSTALL_NAME
  value: {{ include "mooring-connector.fullname" . }}
- name: MOORING_INSTALL_RELEASE
  value: {{ quote .Release.Name }}
- name: MOORING_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: MOORING_POD_UID
  valueFrom:
    fieldRef:
      fieldPath: metadata.uid
{{- if include "mooring-connector.hasProxy" . }}
{{ include "mooring-connector.proxyEnvironment" . }}
{{- end }}
{{- if or .Values.caBundle.existingSecret .Values.caBundle.existingConfigMap }}
- name: NODE_EXTRA_CA_CERTS
  value: {{ printf "/etc/mooring/ca-bundle/%s" .Values.caBundle.key | quote }}
{{- end }}
{{- end }}

{{/* The API server's address is expanded by the kubelet. NODE_USE_ENV_PROXY is for the clients of the clouds. */}}
{{- define "mooring-connector.proxyEnvironment" -}}
{{- $own := list "localhost" "127.0.0.1" "::1" "$(KUBERNETES_SERVICE_HOST)" ".svc" (printf ".%s" .Values.clusterDomain) }}
{{- range $name, $value := dict "HTTPS_PROXY" .Values.proxy.https "HTTP_PROXY" .Values.proxy.http }}
{{- if $.Values.proxy.existingSecret.name }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.proxy.existingSecret.name }}
      key: {{ $.Values.proxy.existingSecret.key }}
{{- else if $value }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
- name: NO_PROXY
  value: {{ concat .Values.proxy.noProxy $own | uniq | join "," | quote }}
- name: NODE_USE_ENV_PROXY
  value: "1"
{{- end }}

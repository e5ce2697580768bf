{{/* Volumes and mounts, the same for the connector and its doctor. */}}
{{- define "mooring-connector.volumes" -}}
- name: configuration
  configMap:
    name: {{ include "mooring-connector.configMap" . }}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.tmpSizeLimit }}
{{- if include "mooring-connector.hasJoinToken" . }}
# It was for one use: once the connector is enrolled, the Secret may be gone.
- name: join-token
  secret:
    secretName: {{ include "mooring-connector.joinSecret" . }}
    optional: true
    items:
      - key: {{ .Values.controlPlane.auth.existingSecret.key }}
        path: {{ .Values.controlPlane.auth.existingSecret.key }}
{{- end }}
{{- if include "mooring-connector.hasProjectedToken" . }}
- name: service-account-token
  projected:
    sources:
      - serviceAccountToken:
          audience: {{ include "mooring-connector.origin" . | quote }}
          expirationSeconds: 3600
          path: token
{{- end }}
{{- if and .Values.controlPlane.enabled .Values.state.volume }}
- name: state
  {{- toYaml .Values.state.volume | nindent 2 }}
{{- end }}
{{- include "mooring-connector.certificates" (dict "name" "control-plane-ca" "from" .Values.controlPlane.ca) }}
{{- include "mooring-connector.certificates" (dict "name" "ca-bundle" "from" .Values.caBundle) }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* That key alone: beside it a Secret may have a private key, and one that is not there keeps the pod from starting. */}}
{{- define "mooring-connector.certificates" -}}
{{- if .from.existingSecret }}
- name: {{ .name }}
  secret:
    secretName: {{ .from.existingSecret }}
    items:
      - key: {{ .from.key }}
        path: {{ .from.key }}
{{- else if .from.existingConfigMap }}
- name: {{ .name }}
  configMap:
    name: {{ .from.existingConfigMap }}
    items:
      - key: {{ .from.key }}
        path: {{ .from.key }}
{{- end }}
{{- end }}

{{- define "mooring-connector.volumeMounts" -}}
# Never with a subPath: that is not refreshed.
- name: configuration
  mountPath: /etc/mooring/configuration
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- if include "mooring-connector.hasJoinToken" . }}
- name: join-token
  mountPath: /var/run/secrets/mooring/join
  readOnly: true
{{- end }}
{{- if include "mooring-connector.hasProjectedToken" . }}
- name: service-account-token
  mountPath: /var/run/secrets/mooring/serviceaccount
  readOnly: true
{{- end }}
{{- if and .Values.controlPlane.enabled .Values.state.volume }}
- name: state
  mountPath: /var/lib/mooring
{{- end }}
{{- if or .Values.controlPlane.ca.existingSecret .Values.controlPlane.ca.existingConfigMap }}
- name: control-plane-ca
  mountPath: /etc/mooring/control-plane-ca
  readOnly: true
{{- end }}
{{- if or .Values.caBundle.existingSecret .Values.caBundle.existingConfigMap }}
- name: ca-bundle
  mountPath: /etc/mooring/ca-bundle
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What NOTES warns of. */}}
{{- define "mooring-control-plane.warnings" -}}
{{- $warnings := list }}
{{- if not (or .Values.global.imageRegistry .Values.image.registry (contains "/" .Values.image.repository)) }}
{{- $warnings = append $warnings (printf "The image %s names no registry: no registry has it, so it must be on the nodes already. Push yours and set image.registry." (include "mooring-control-plane.image" .)) }}
{{- end }}
{{- if not .Values.persistence.enabled }}
{{- $warnings = append $warnings "persistence.enabled=false: the database is gone with the pod, and every connector must join again." }}
{{- end }}
{{- if .Values.behindTlsProxy }}
{{- $warnings = append $warnings "behindTlsProxy: the pod's port 7480 is plain. Limit who reaches it by networkPolicy.from." }}
{{- end }}
{{- if and .Values.tls.existingSecret (or .Values.ingress.enabled .Values.httpRoute.enabled) }}
{{- $warnings = append $warnings "tls.existingSecret: the pod speaks TLS itself, so what stands in front must speak https to it (nginx.ingress.kubernetes.io/backend-protocol: HTTPS; a BackendTLSPolicy for a gateway). Or leave tls.existingSecret empty." }}
{{- end }}
{{- if not .Values.chart }}
{{- $warnings = append $warnings "chart is empty: the page shows \"add a connector\" with the bare name mooring-connector. Set it to where you keep that chart." }}
{{- end }}
{{- if $warnings }}

Mind
{{- range $warnings }}
  ! {{ . }}
{{- end }}
{{- end }}
{{- end }}

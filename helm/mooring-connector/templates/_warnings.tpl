{{/* What could be on, and how. */}}
{{- define "mooring-connector.notOn" -}}
{{- $off := list }}
{{- if not .Values.sources.crd.enabled }}
{{- $off = append $off "Integration resources          --set sources.crd.enabled=true (and crds.enabled=true where the CRD is not there yet)" }}
{{- end }}
{{- if not .Values.diagnostics.namespaces }}
{{- $off = append $off "why a Service does not answer  --set 'diagnostics.namespaces={NAMESPACE,...}'" }}
{{- end }}
{{- if not (or .Values.metrics.podMonitor.enabled .Values.metrics.annotations) }}
{{- $off = append $off "scrapes by Prometheus          --set metrics.podMonitor.enabled=true (or metrics.annotations=true)" }}
{{- end }}
{{- if not .Values.metrics.prometheusRule.enabled }}
{{- $off = append $off "alerts                         --set metrics.prometheusRule.enabled=true" }}
{{- end }}
{{- if $off }}

Not on
{{- range $off }}
  {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* What NOTES warns of. */}}
{{- define "mooring-connector.warnings" -}}
{{- $warnings := list }}
{{- if not (or .Values.global.imageRegistry .Values.image.registry (contains "/" .Values.image.repository)) }}
{{- $warnings = append $warnings (printf "The image %s names no registry: no registry has it, so it must be on the nodes already. Push yours and set image.registry." (include "mooring-connector.image" .)) }}
{{- end }}
{{- if .Values.controlPlane.auth.token }}
{{- $warnings = append $warnings "controlPlane.auth.token is kept in the release's own Secret. Use controlPlane.auth.existingSecret." }}
{{- end }}
{{- if .Values.rbac.clusterWideSecrets }}
{{- $warnings = append $warnings "rbac.clusterWideSecrets: the connector may read every Secret of the cluster. Name them in rbac.secrets instead." }}
{{- end }}
{{- if not .Values.optIn.required }}
{{- $warnings = append $warnings "optIn.required=false: secrets are read without the label or tag mooring-connector-read." }}
{{- end }}
{{- if and .Values.podDisruptionBudget.enabled (not (include "mooring-connector.hasLease" .)) }}
{{- $warnings = append $warnings "podDisruptionBudget is on but there is one replica: none was made, it would only block node drains." }}
{{- end }}
{{- if not .Values.rbac.create }}
{{- $warnings = append $warnings (printf "rbac.create=false: somebody else must grant what the connector needs. To print it: helm template %s CHART -n %s -f YOUR-VALUES --set rbac.create=true --show-only templates/rbac.yaml" .Release.Name .Release.Namespace) }}
{{- end }}
{{- $warnings = concat $warnings (include "mooring-connector.ungranted" . | fromYamlArray) }}
{{- if $warnings }}

Mind
{{- range $warnings }}
  ! {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Kubernetes Secrets that integrations name and rbac.secrets does not. */}}
{{- define "mooring-connector.ungranted" -}}
{{- $stores := include "mooring-connector.kubernetesStores" . | fromJsonArray }}
{{- if and .Values.rbac.create (not .Values.rbac.clusterWideSecrets) }}
{{- /* --set replaces a list: what is granted already, and what others lack, stands in it as well. */}}
{{- $all := deepCopy .Values.rbac.secrets }}
{{- $lacking := list }}
{{- range .Values.integrations }}
{{- if and .secret (has (dig "secret" "store" "" .) $stores) }}
{{- $namespace := default $.Release.Namespace .secret.namespace }}
{{- if not (has .secret.name (default list (get $.Values.rbac.secrets $namespace))) }}
{{- $_ := set $all $namespace (append (default list (get $all $namespace)) .secret.name | uniq) }}
{{- $lacking = append $lacking (dict "integration" .name "namespace" $namespace "secret" .secret.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $lacking }}
- {{ printf "Integration %s reads Secret %s/%s, which rbac.secrets does not grant: --set 'rbac.secrets.%s={%s}'" .integration .namespace .secret .namespace (get $all .namespace | join ",") | quote }}
{{- end }}
{{- end }}
{{- end }}

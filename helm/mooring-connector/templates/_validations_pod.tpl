{{- define "mooring-connector.validate.replicas" -}}
{{- /* Kubernetes rolls where no type is named. */}}
{{- $type := dig "type" "RollingUpdate" .Values.strategy }}
{{- if and .Values.strategy (ne $type "Recreate") (not (include "mooring-connector.hasLease" .)) }}
- {{ printf "strategy.type=%s with replicaCount=%d would run two pods of one identity during an upgrade. Leave strategy empty, or set replicaCount=2: then a Lease elects one." $type (int .Values.replicaCount) | quote }}
{{- end }}
{{- end }}

{{- define "mooring-connector.validate.rights" -}}
{{- $account := .Values.serviceAccount }}
{{- $usesApi := include "mooring-connector.usesApi" . }}
{{- if and $usesApi .Values.rbac.create (not $account.create) (not $account.name) }}
- {{ printf "serviceAccount.create=false without serviceAccount.name would give the connector's rights to the account \"default\", and with it to every pod of namespace %s. Name an account, or set serviceAccount.create=true." .Release.Namespace | quote }}
{{- end }}
{{- if and (include "mooring-connector.hasProjectedToken" .) (eq (include "mooring-connector.serviceAccountName" .) "default") }}
- {{ printf "controlPlane.auth.method=kubernetes with the account \"default\" would let every pod of namespace %s enrol as this connector. Name an account of its own, or set serviceAccount.create=true." .Release.Namespace | quote }}
{{- end }}
{{- if and $usesApi (eq (toString $account.automount) "false") }}
- {{ printf "serviceAccount.automount=false, but the connector needs the Kubernetes API for %s. Leave automount null." (include "mooring-connector.apiUses" .) | quote }}
{{- else if and (include "mooring-connector.usesPodToken" .) (eq (toString $account.automount) "false") }}
- {{ printf "serviceAccount.automount=false, but secretStores logs in to Vault by the ServiceAccount's token. Leave automount null, or name a token of its own in config.auth.tokenFile." | quote }}
{{- end }}
{{- range $namespace, $names := .Values.rbac.secrets }}
{{- if not $names }}
- {{ printf "rbac.secrets.%s names no Secret. Name those that may be read, or leave the namespace out." $namespace | quote }}
{{- end }}
{{- end }}
{{- if and .Values.rbac.clusterWideSecrets .Values.rbac.secrets }}
- {{ printf "rbac.clusterWideSecrets=true reads every Secret, so rbac.secrets limits nothing. Keep one of them; rbac.secrets is the safe one." | quote }}
{{- end }}
{{- end }}

{{/* What the API is needed for, in words. */}}
{{- define "mooring-connector.apiUses" -}}
{{- $uses := list }}
{{- if include "mooring-connector.hasStateSecret" . }}{{ $uses = append $uses "its key (state.volume would need none)" }}{{ end }}
{{- if include "mooring-connector.hasLease" . }}{{ $uses = append $uses "the Lease" }}{{ end }}
{{- if include "mooring-connector.readsSecrets" . }}{{ $uses = append $uses "Kubernetes Secrets" }}{{ end }}
{{- if .Values.sources.crd.enabled }}{{ $uses = append $uses "Integration resources" }}{{ end }}
{{- if .Values.diagnostics.namespaces }}{{ $uses = append $uses "diagnostics" }}{{ end }}
{{- if .Values.rbac.extraRules }}{{ $uses = append $uses "rbac.extraRules" }}{{ end }}
{{- join ", " $uses }}
{{- end }}

{{- define "mooring-connector.validate.pod" -}}
{{- $seen := list }}
{{- range .Values.extraEnv }}
{{- if has .name $seen }}
- {{ printf "extraEnv has %s twice. Kubernetes refuses that; keep one." .name | quote }}
{{- end }}
{{- $seen = append $seen .name }}
{{- end }}
{{- $taken := list "configuration" "tmp" "join-token" "service-account-token" "state" "control-plane-ca" "ca-bundle" }}
{{- range .Values.extraVolumes }}
{{- if has .name $taken }}
- {{ printf "extraVolumes has %s, a name that the chart uses or that is there twice. Give it another name." .name | quote }}
{{- end }}
{{- $taken = append $taken .name }}
{{- end }}
{{- if and .Values.global.imageRegistry (hasPrefix (printf "%s/" .Values.global.imageRegistry) .Values.image.repository) }}
- {{ printf "image.repository=%s begins with the registry that global.imageRegistry adds. Write image.repository=%s." .Values.image.repository (trimPrefix (printf "%s/" .Values.global.imageRegistry) .Values.image.repository) | quote }}
{{- end }}
{{- end }}

{{- define "mooring-connector.validate.proxy" -}}
{{- $proxy := .Values.proxy }}
{{- if and $proxy.existingSecret.name (or $proxy.https $proxy.http) }}
- {{ printf "proxy has two sources: existingSecret.name=%s and https or http. Keep one." $proxy.existingSecret.name | quote }}
{{- end }}
{{- range $name := list "https" "http" }}
{{- if regexMatch "//[^/]*@" (get $proxy $name) }}
- {{ printf "proxy.%s holds a login, which everybody could read who may read the Deployment. Put the URL into a Secret and name it by proxy.existingSecret." $name | quote }}
{{- end }}
{{- end }}
{{- $egress := .Values.networkPolicy.egress }}
{{- $more := or $egress.extraPorts $egress.extraEgress }}
{{- if and .Values.networkPolicy.enabled $egress.enabled $proxy.existingSecret.name (not $more) }}
- {{ printf "networkPolicy.egress.enabled=true lets nothing out to the proxy: its port stands in Secret %s, where the chart cannot see it. Name it: --set 'networkPolicy.egress.extraPorts={3128}'" $proxy.existingSecret.name | quote }}
{{- end }}
{{- if and $proxy.noProxy (not (include "mooring-connector.hasProxy" .)) }}
- {{ printf "proxy.noProxy is set but no proxy is. Set proxy.https, proxy.http or proxy.existingSecret, or leave it out." | quote }}
{{- end }}
{{- end }}

{{- define "mooring-connector.validate.metrics" -}}
{{- $rule := .Values.metrics.prometheusRule }}
{{- $known := list }}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups }}
{{- range .rules }}{{ $known = append $known .alert }}{{ end }}
{{- end }}
{{- range concat $rule.disabledAlerts (keys $rule.severityOverrides | sortAlpha) }}
{{- if not (has . $known) }}
- {{ printf "metrics.prometheusRule names the alert %s, which there is not. There are %s." . (join ", " $known) | quote }}
{{- end }}
{{- end }}
{{- if and $rule.enabled (eq (len (uniq $rule.disabledAlerts)) (len $known)) }}
- {{ printf "metrics.prometheusRule.disabledAlerts leaves no alert. Set metrics.prometheusRule.enabled=false instead." | quote }}
{{- end }}
{{- end }}

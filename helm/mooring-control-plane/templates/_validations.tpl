{{/*
What the schema cannot say: values that do not go together. Each message names the value, what is wrong, and what to
write. All of them are collected, so that one run tells everything.
*/}}
{{- define "mooring-control-plane.validate" -}}
{{- $problems := list }}
{{- range list "publicUrl" "tls" "tokens" "persistence" "service" "pod" }}
{{- $found := include (printf "mooring-control-plane.validate.%s" .) $ | fromYamlArray }}
{{- $problems = concat $problems $found }}
{{- end }}
{{- if $problems }}
{{- fail (printf "\n\nThe values of mooring-control-plane do not fit together.\n\n  * %s\n" (join "\n\n  * " $problems)) }}
{{- end }}
{{- end }}

{{- define "mooring-control-plane.validate.publicUrl" -}}
{{- $url := .Values.publicUrl }}
{{- $example := "--set publicUrl=https://mooring.example.com" }}
{{- if not $url }}
- {{ printf "publicUrl is missing: the address by which people and connectors reach the control plane. Write %s; within the cluster alone it is https://%s.%s.svc:%d" $example (include "mooring-control-plane.fullname" .) .Release.Namespace (int .Values.service.port) | quote }}
{{- else if regexMatch "^(http|ws)://" $url }}
- {{ printf "publicUrl=%s is plain; connectors speak TLS. Write %s." $url (regexReplaceAll "^(http|ws)://" $url "https://") | quote }}
{{- else if hasPrefix "wss://" $url }}
- {{ printf "publicUrl=%s is the connectors' form of the address. Write %s." $url (replace "wss://" "https://" $url) | quote }}
{{- else if regexMatch "@" $url }}
- {{ printf "publicUrl holds a login. Leave it out." | quote }}
{{- else if not (regexMatch "^https://[^/?#@ ]+/?$" $url) }}
- {{ printf "publicUrl=%s is not an origin: https:// and a host, no path. Write %s." $url $example | quote }}
{{- end }}
{{- end }}

{{- define "mooring-control-plane.validate.tls" -}}
{{- $route := or .Values.ingress.enabled .Values.httpRoute.enabled }}
{{- if and .Values.tls.existingSecret .Values.behindTlsProxy }}
- {{ printf "tls.existingSecret=%s and behindTlsProxy=true exclude each other: say where TLS ends." .Values.tls.existingSecret | quote }}
{{- else if not (or .Values.tls.existingSecret .Values.behindTlsProxy $route) }}
- {{ printf "Where does TLS end? Here: --set tls.existingSecret=NAME (a Secret of type kubernetes.io/tls). At an Ingress: --set ingress.enabled=true. At a gateway: --set httpRoute.enabled=true. At something else in front: --set behindTlsProxy=true." | quote }}
{{- end }}
{{- if and .Values.tls.caKey (not .Values.tls.existingSecret) }}
- {{ printf "tls.caKey=%s is set but tls.existingSecret is not: it is a key of that Secret. Name it, or leave tls.caKey out." .Values.tls.caKey | quote }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
- {{ printf "httpRoute.parentRefs is missing: the Gateway that the route is attached to. Write --set httpRoute.parentRefs[0].name=GATEWAY --set httpRoute.parentRefs[0].namespace=NAMESPACE." | quote }}
{{- end }}
{{- end }}

{{- define "mooring-control-plane.validate.tokens" -}}
{{- $operator := .Values.operatorToken.existingSecret }}
{{- $viewer := .Values.viewerToken.existingSecret }}
{{- if not $operator.name }}
- {{ printf "operatorToken.existingSecret.name is missing: the Secret with the operator's token. Make one: `openssl rand -base64 32 | tr -d '\\n' | kubectl -n %s create secret generic mooring-operator --from-file=token=/dev/stdin`; then --set operatorToken.existingSecret.name=mooring-operator." .Release.Namespace | quote }}
{{- else if and (eq $operator.name $viewer.name) (eq $operator.key $viewer.key) }}
- {{ printf "operatorToken and viewerToken are both key %s of Secret %s: a viewer could touch everything. Name another key or Secret for the viewer." $operator.key $operator.name | quote }}
{{- end }}
{{- end }}

{{- define "mooring-control-plane.validate.persistence" -}}
{{- if and .Values.persistence.existingClaim (not .Values.persistence.enabled) }}
- {{ printf "persistence.existingClaim=%s is set but persistence.enabled is false. Set it to true, or leave the claim out." .Values.persistence.existingClaim | quote }}
{{- end }}
{{- end }}

{{- define "mooring-control-plane.validate.service" -}}
{{- $service := .Values.service }}
{{- range $name := list "loadBalancerClass" "loadBalancerSourceRanges" }}
{{- if and (get $service $name) (ne $service.type "LoadBalancer") }}
- {{ printf "service.%s is set but service.type is %s. Write --set service.type=LoadBalancer, or leave it out." $name $service.type | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mooring-control-plane.validate.pod" -}}
{{- if and .Values.rbac.tokenReview (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) }}
- {{ printf "serviceAccount.create=false without serviceAccount.name would give the right of rbac.tokenReview to the account \"default\", and with it to every pod of namespace %s. Name an account, or set serviceAccount.create=true." .Release.Namespace | quote }}
{{- end }}
{{- if eq (int .Values.metrics.port) 7480 }}
- {{ printf "metrics.port=7480 is the port of the API and the page. Leave metrics.port at 7482." | quote }}
{{- end }}
{{- $seen := list }}
{{- range .Values.extraEnv }}
{{- if has .name $seen }}
- {{ printf "extraEnv has %s twice. Kubernetes refuses that; keep one." .name | quote }}
{{- end }}
{{- $seen = append $seen .name }}
{{- end }}
{{- $taken := list "tmp" "data" "tls" "operator-token" "viewer-token" }}
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

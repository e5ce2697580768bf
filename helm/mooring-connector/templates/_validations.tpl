{{/*
What the schema cannot say: values that do not go together. Each message names the value, what is wrong, and what to
write. All of them are collected, so that one run tells everything.
*/}}
{{- define "mooring-connector.validate" -}}
{{- $problems := list }}
{{- range list "controlPlane" "token" "certificates" "configuration" "sources" "replicas" "rights" "pod" "proxy" "metrics" }}
{{- $found := include (printf "mooring-connector.validate.%s" .) $ | fromYamlArray }}
{{- $problems = concat $problems $found }}
{{- end }}
{{- if $problems }}
{{- fail (printf "\n\nThe values of mooring-connector do not fit together.\n\n  * %s\n" (join "\n\n  * " $problems)) }}
{{- end }}
{{- end }}

{{- define "mooring-connector.validate.controlPlane" -}}
{{- $url := .Values.controlPlane.url }}
{{- $example := "--set controlPlane.url=wss://mooring.example.com" }}
{{- $local := regexMatch "^(ws|http)://(localhost|127\\.[0-9.]+|\\[::1\\])(:[0-9]+)?/?$" $url }}
{{- if not .Values.controlPlane.enabled }}
{{- if $url }}
- {{ printf "controlPlane.url is set but controlPlane.enabled is false. Leave one of them out." | quote }}
{{- end }}
{{- else if not $url }}
- {{ printf "controlPlane.url is missing: the address of your control plane. Write %s, or controlPlane.enabled=false to check without one." $example | quote }}
{{- else if regexMatch "^[a-z]+://[^/]*@" $url }}
- {{ printf "controlPlane.url holds a login. Leave it out: the connector has a key of its own." | quote }}
{{- else if and (regexMatch "^(ws|http)://" $url) (not $local) }}
- {{ printf "controlPlane.url=%s is plain and leaves the pod. Write %s." $url (regexReplaceAll "^(ws|http)://" $url "wss://") | quote }}
{{- else if not (regexMatch "^(wss|https|ws|http)://[^/?#@ ]+/?$" $url) }}
- {{ printf "controlPlane.url=%s is not the address of a control plane: a scheme and a host, no path. Write %s." $url $example | quote }}
{{- end }}
{{- end }}

{{- define "mooring-connector.validate.token" -}}
{{- $auth := .Values.controlPlane.auth }}
{{- $given := or $auth.existingSecret.name $auth.token }}
{{- if not .Values.controlPlane.enabled }}
{{- if $given }}
- {{ printf "controlPlane.auth has a join token but controlPlane.enabled is false. Leave the token out." | quote }}
{{- end }}
{{- else if and $auth.existingSecret.name $auth.token }}
- {{ printf "controlPlane.auth has two join tokens: existingSecret.name=%s and token. Keep existingSecret, and leave token empty." $auth.existingSecret.name | quote }}
{{- else if and (eq $auth.method "kubernetes") $given }}
- {{ printf "controlPlane.auth.method=kubernetes joins by the ServiceAccount's token and takes no join token. Leave existingSecret.name and token empty, or set method=token." | quote }}
{{- else if and (eq $auth.method "token") (not $given) }}
- {{ printf "controlPlane.auth.existingSecret.name is missing: the Secret with the join token. Make one: `mooring token create NAME` prints the token, `kubectl -n %s create secret generic mooring-join --from-file=token=/dev/stdin` takes it; then --set controlPlane.auth.existingSecret.name=mooring-join. Or join without a token: --set controlPlane.auth.method=kubernetes" .Release.Namespace | quote }}
{{- else if and (eq $auth.method "token") (or (hasKey .Values.state.volume "emptyDir") (hasKey .Values.state.volume "ephemeral")) }}
- {{ printf "state.volume.%s goes with the pod, and the connector's key with it; a join token is for one use, so the next pod could not join. Leave state.volume empty, name a persistentVolumeClaim, or set controlPlane.auth.method=kubernetes: then each pod joins anew." (keys .Values.state.volume | first) | quote }}
{{- end }}
{{- end }}

{{- define "mooring-connector.validate.certificates" -}}
{{- range $name, $from := dict "controlPlane.ca" .Values.controlPlane.ca "caBundle" .Values.caBundle }}
{{- if and $from.existingSecret $from.existingConfigMap }}
- {{ printf "%s has two sources: existingSecret=%s and existingConfigMap=%s. Keep one." $name $from.existingSecret $from.existingConfigMap | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mooring-connector.validate.configuration" -}}
{{- $own := or .Values.integrations .Values.secretStores .Values.policy .Values.configFiles }}
{{- if and .Values.existingConfigMap.name $own }}
- {{ printf "existingConfigMap.name=%s brings the whole configuration, so integrations, secretStores, policy and configFiles would be ignored. Move them into it, or leave existingConfigMap.name empty." .Values.existingConfigMap.name | quote }}
{{- end }}
{{- if and .Values.existingConfigMap.name (or .Values.optIn.key .Values.optIn.aliases) }}
- {{ printf "existingConfigMap.name=%s brings the whole configuration, so optIn.key and optIn.aliases would be ignored, and secrets be read by another label than you mean. Write them there, as config.optIn of each store." .Values.existingConfigMap.name | quote }}
{{- end }}
{{- if hasKey .Values.configFiles "mooring.yaml" }}
- {{ printf "configFiles has mooring.yaml, which the chart writes. Use integrations, secretStores and policy, or existingConfigMap." | quote }}
{{- end }}
{{- $idle := not (or .Values.integrations .Values.existingConfigMap.name .Values.sources.crd.enabled .Values.controlPlane.enabled) }}
{{- if $idle }}
- {{ printf "There is nothing to do: no control plane, no integrations, no Integration resources. Set controlPlane.url, integrations, or sources.crd.enabled=true." | quote }}
{{- end }}
{{- $seen := list }}
{{- range .Values.integrations }}
{{- if has .name $seen }}
- {{ printf "integrations has %s twice. Each name is there once." .name | quote }}
{{- end }}
{{- $seen = append $seen .name }}
{{- if contains "." .name }}
- {{ printf "integrations: the name %s has a dot, and such names belong to Integration resources. Write %s." .name (replace "." "-" .name) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mooring-connector.validate.sources" -}}
{{- $crd := .Values.sources.crd }}
{{- if and $crd.namespaces (not $crd.enabled) }}
- {{ printf "sources.crd.namespaces is set but sources.crd.enabled is false. Set sources.crd.enabled=true, or leave the namespaces out." | quote }}
{{- end }}
{{- if and (has "*" $crd.namespaces) (gt (len $crd.namespaces) 1) }}
- {{ printf "sources.crd.namespaces has * besides others. Write [\"*\"] for all namespaces, or name those that are meant." | quote }}
{{- end }}
{{- end }}

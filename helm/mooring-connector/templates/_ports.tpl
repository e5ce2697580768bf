{{/* The TCP ports that the connector goes out to, in order, as a JSON list. */}}
{{- define "mooring-connector.egressPorts" -}}
{{- $ports := list 443 6443 }}
{{- $urls := list }}
{{- if .Values.controlPlane.enabled }}{{ $urls = append $urls .Values.controlPlane.url }}{{ end }}
{{- range list .Values.proxy.https .Values.proxy.http }}
{{- if . }}{{ $urls = append $urls . }}{{ end }}
{{- end }}
{{- range .Values.integrations }}
{{- $config := default dict .config }}
{{- if $config.port }}
{{- $ports = append $ports (int $config.port) }}
{{- else if eq .type "postgresql" }}
{{- $ports = append $ports 5432 }}
{{- end }}
{{- if and $config.proxy (ne $config.proxy "none") }}{{ $urls = append $urls $config.proxy }}{{ end }}
{{- if $config.url }}{{ $urls = append $urls $config.url }}{{ end }}
{{- end }}
{{- range .Values.secretStores }}
{{- with .config }}
{{- range list .address .endpoint .proxy }}
{{- if . }}{{ $urls = append $urls . }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $urls }}
{{- $ports = append $ports (include "mooring-connector.portOf" . | int) }}
{{- end }}
{{- range .Values.networkPolicy.egress.extraPorts }}
{{- $ports = append $ports (int .) }}
{{- end }}
{{- /* Sorted as text of one width, because templates sort nothing else. */}}
{{- $padded := list }}
{{- range $ports }}{{ $padded = append $padded (printf "%05d" (int .)) }}{{ end }}
{{- $sorted := list }}
{{- range $padded | uniq | sortAlpha }}{{ $sorted = append $sorted (trimPrefix "0" . | trimPrefix "0" | trimPrefix "0" | trimPrefix "0" | int) }}{{ end }}
{{- $sorted | toJson }}
{{- end }}

{{/* The port of a URL, by its scheme where it names none. */}}
{{- define "mooring-connector.portOf" -}}
{{- $host := (urlParse .).host }}
{{- $port := regexFind ":[0-9]+$" $host | trimPrefix ":" }}
{{- if $port }}{{ $port }}{{ else if regexMatch "^(http|ws)://" . }}80{{ else }}443{{ end }}
{{- end }}

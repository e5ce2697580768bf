{{/*
The configuration file. MOORING_REQUIRE_OPT_IN sets the opt-in gate of every store; only its key and aliases stand
here, in every store that has labels or tags: the built-in ones are declared for that alone.
*/}}
{{- define "mooring-connector.configuration" -}}
{{- $gate := dict }}
{{- with .Values.optIn.key }}{{ $_ := set $gate "key" . }}{{ end }}
{{- with .Values.optIn.aliases }}{{ $_ := set $gate "aliases" . }}{{ end }}
{{- $stores := list }}
{{- $declared := list }}
{{- range .Values.secretStores }}
{{- $declared = append $declared .name }}
{{- $store := deepCopy . }}
{{- if and $gate (has .type (list "kubernetes" "aws" "gcp" "vault" "azure")) }}
{{- $config := default dict $store.config }}
{{- $_ := set $config "optIn" (merge (default dict $config.optIn) (deepCopy $gate)) }}
{{- $_ := set $store "config" $config }}
{{- end }}
{{- $stores = append $stores $store }}
{{- end }}
{{- if $gate }}
{{- range list "kubernetes" "aws" "gcp" }}
{{- if not (has . $declared) }}
{{- $stores = append $stores (dict "name" . "type" . "config" (dict "optIn" $gate)) }}
{{- end }}
{{- end }}
{{- end }}
{{- if $stores }}
secretStores:
  {{- toYaml $stores | nindent 2 }}
{{- end }}
integrations: {{- if not .Values.integrations }} []{{ else }}
  {{- toYaml .Values.integrations | nindent 2 }}
{{- end }}
{{- with .Values.policy }}
policy:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

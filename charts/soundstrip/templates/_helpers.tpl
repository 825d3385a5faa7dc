{{/* The first part of every name: the release, which says already that it is Soundstrip, or <release>-soundstrip. */}}
{{- define "soundstrip.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels of a component. Takes (list $ "gateway"). */}}
{{- define "soundstrip.labels" -}}
{{- $ := first . -}}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
app.kubernetes.io/part-of: soundstrip
{{ include "soundstrip.selector" . }}
{{- end }}

{{- define "soundstrip.selector" -}}
{{- $ := first . -}}
app.kubernetes.io/name: {{ $.Chart.Name }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{/* Name and labels. Takes (list $ "gateway"). */}}
{{- define "soundstrip.metadata" -}}
name: {{ include "soundstrip.fullname" (first .) }}-{{ last . }}
labels:
  {{- include "soundstrip.labels" . | nindent 2 }}
{{- end }}

{{/* One of Soundstrip's own images. Takes (list $ "service"). `make images` writes the tags; a published chart's is its version. */}}
{{- define "soundstrip.image" -}}
{{- $ := first . -}}
{{- $image := index $.Values.images (last .) -}}
{{- $built := $.Files.Get "files/images.yaml" | default "{}" | fromYaml -}}
{{- $tag := $image.tag | default (index $built (last .)) | default $.Chart.AppVersion -}}
{{ printf "%s:%s" $image.repository $tag }}
{{- end }}

{{- define "soundstrip.pullSecrets" -}}
{{- with .Values.images.pullSecret }}
imagePullSecrets:
  - name: {{ . }}
{{- end }}
{{- end }}

{{/* What Pod Security `restricted` asks of a pod. Takes the user's number. */}}
{{- define "soundstrip.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "soundstrip.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Probes of a service's life: it asks no store, and a node that starves it is given a minute, for a start takes more of it still.
Takes the port's name. */}}
{{- define "soundstrip.lifeProbes" -}}
startupProbe:
  httpGet: {path: /livez, port: {{ . }}}
  periodSeconds: 2
  failureThreshold: 60
  timeoutSeconds: 5
livenessProbe:
  httpGet: {path: /livez, port: {{ . }}}
  periodSeconds: 10
  failureThreshold: 6
  timeoutSeconds: 5
{{- end }}

{{/* The same, and whether it is ready for requests. */}}
{{- define "soundstrip.httpProbes" -}}
{{ include "soundstrip.lifeProbes" . }}
readinessProbe:
  httpGet: {path: /health, port: {{ . }}}
  periodSeconds: 5
  failureThreshold: 2
  timeoutSeconds: 5
{{- end }}

{{/* Until all nodes know that a pod goes, requests still come to it: it goes on for these seconds before it is told. */}}
{{- define "soundstrip.lateEnd" -}}
lifecycle:
  preStop:
    sleep: {seconds: 5}
{{- end }}

{{/* Probes of a store: official images open their port when the first set-up is done. Takes the port's name. */}}
{{- define "soundstrip.tcpProbes" -}}
startupProbe:
  tcpSocket: {port: {{ . }}}
  periodSeconds: 2
  failureThreshold: 150
readinessProbe:
  tcpSocket: {port: {{ . }}}
  periodSeconds: 5
  timeoutSeconds: 5
livenessProbe:
  tcpSocket: {port: {{ . }}}
  periodSeconds: 20
  failureThreshold: 6
  timeoutSeconds: 5
{{- end }}

{{/* An environment variable from a Secret. Takes (list "NAME" "secret" "key"). */}}
{{- define "soundstrip.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef: {name: {{ index . 1 }}, key: {{ index . 2 }}}
{{- end }}

{{/* A consumer's way to MongoDB. Takes (list $ "gateway"). */}}
{{- define "soundstrip.mongoEnv" -}}
{{- $ := first . -}}
{{ include "soundstrip.secretEnv" (list "MONGO_URI" (include "soundstrip.mongoSecret" .) "mongo-uri") }}
- {name: MONGO_DB, value: {{ $.Values.mongodb.enabled | ternary "soundstrip" $.Values.mongodb.external.database | quote }}}
{{- end }}

{{/* The Secret with a consumer's mongo-uri. Takes (list $ "gateway"). */}}
{{- define "soundstrip.mongoSecret" -}}
{{- $ := first . -}}
{{- $external := $.Values.mongodb.external -}}
{{- if $.Values.mongodb.enabled }}{{ include "soundstrip.fullname" $ }}-{{ last . }}
{{- else }}{{ index $external.secrets (last .) | default $external.existingSecret | required "mongodb.external.existingSecret is needed when mongodb.enabled is false" }}
{{- end }}
{{- end }}

{{/* The Secret with a consumer's rabbitmq-uri. Takes (list $ "operator"). */}}
{{- define "soundstrip.rabbitmqSecret" -}}
{{- $ := first . -}}
{{- if $.Values.rabbitmq.enabled }}{{ include "soundstrip.fullname" $ }}-{{ last . }}
{{- else }}{{ required "rabbitmq.external.existingSecret is needed when rabbitmq.enabled is false" $.Values.rabbitmq.external.existingSecret }}
{{- end }}
{{- end }}

{{- define "soundstrip.firstUserSecret" -}}
{{- .Values.auth.firstUser.existingSecret | default (printf "%s-first-user" (include "soundstrip.fullname" .)) }}
{{- end }}

{{/* The Lease for which all operators of the namespace stand, whatever their releases are called. */}}
{{- define "soundstrip.leaseName" -}}
{{- .Values.operator.env.LEASE_NAME | default "soundstrip-operator" }}
{{- end }}

{{/* Where the notifier's mail goes: "sink", "smtp" or nothing. */}}
{{- define "soundstrip.mailRoute" -}}
{{- if .Values.mail.enabled }}sink{{ else if .Values.notifier.smtp.existingSecret }}smtp{{ end }}
{{- end }}

{{/* A sender's way to the mail server, if there is one. */}}
{{- define "soundstrip.smtpEnv" -}}
{{- $smtp := .Values.notifier.smtp }}
{{- $route := include "soundstrip.mailRoute" . }}
{{- if eq $route "sink" }}
- {name: SMTP_HOST, value: {{ include "soundstrip.fullname" . }}-mail}
- {name: SMTP_PORT, value: "1025"}
- {name: SMTP_TLS, value: none}
- {name: GMAIL_ADDRESS, value: soundstrip@soundstrip.test}
{{- else if $route }}
- {name: SMTP_HOST, value: {{ $smtp.host | quote }}}
- {name: SMTP_PORT, value: {{ $smtp.port | quote }}}
- {name: SMTP_TLS, value: {{ $smtp.tls }}}
{{ include "soundstrip.secretEnv" (list "GMAIL_ADDRESS" $smtp.existingSecret "gmail-address") }}
{{ include "soundstrip.secretEnv" (list "GMAIL_PASSWORD" $smtp.existingSecret "gmail-password") }}
{{- end }}
{{- end }}

{{/* A consumer's way to RabbitMQ. Takes (list $ "operator"). */}}
{{- define "soundstrip.rabbitmqEnv" -}}
{{- $ := first . -}}
{{ include "soundstrip.secretEnv" (list "RABBITMQ_URI" (include "soundstrip.rabbitmqSecret" .) "rabbitmq-uri") }}
- {name: MP3_QUEUE, value: {{ $.Values.queue | quote }}}
{{- end }}

{{/* Further variables out of the values. Takes the map. */}}
{{- define "soundstrip.furtherEnv" -}}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}

{{/* Where traces go, if anywhere. */}}
{{- define "soundstrip.traceEnv" -}}
{{- with .Values.tracing.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* Seconds without an exponent, or `never`. Takes the value. */}}
{{- define "soundstrip.lifetime" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ int64 . }}{{ end }}
{{- end }}

{{/* The volume claim of a bundled store, which outlives the release. Takes (list $ "mongodb"). */}}
{{- define "soundstrip.claim" -}}
{{- $ := first . -}}
{{- $storage := (index $.Values (last .)).storage -}}
- metadata:
    name: data
    labels:
      {{- include "soundstrip.selector" . | nindent 6 }}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with $storage.className }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ $storage.size }}
{{- end }}

{{/* The Service of a bundled store. Takes (list $ "mongodb" (dict "port's name" number)). */}}
{{- define "soundstrip.storeService" -}}
{{- $ := first . -}}
{{- $component := list $ (index . 1) -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "soundstrip.metadata" $component | nindent 2 }}
spec:
  selector:
    {{- include "soundstrip.selector" $component | nindent 4 }}
  ports:
    {{- range $name, $port := index . 2 }}
    - {name: {{ $name }}, port: {{ $port }}, targetPort: {{ $name }}}
    {{- end }}
{{- end }}

{{/* The pods of a component, as a peer in a NetworkPolicy. Takes (list $ "gateway"). */}}
{{- define "soundstrip.peer" -}}
- podSelector:
    matchLabels:
      {{- include "soundstrip.selector" . | nindent 6 }}
{{- end }}

{{/* "true" if the release brings a CustomResourceDefinition. Takes (list $ found), found being what is there. */}}
{{- define "soundstrip.bringsCrd" -}}
{{- $ := first . -}}
{{- $found := last . -}}
{{- $by := dig "metadata" "annotations" dict $found -}}
{{- $ours := and (eq (get $by "meta.helm.sh/release-name") $.Release.Name) (eq (get $by "meta.helm.sh/release-namespace") $.Release.Namespace) -}}
{{- $install := $.Values.crds.install -}}
{{- or (eq $install "always") (and (eq $install "auto") (or (not $found) $ours)) }}
{{- end }}

{{/* A hook that runs when the release's objects are gone. Takes its place in the order. */}}
{{- define "soundstrip.postDelete" -}}
annotations:
  helm.sh/hook: post-delete
  helm.sh/hook-weight: {{ . | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
  helm.sh/hook-output-log-policy: hook-failed
{{- end }}

{{/* How often requests may come. Takes the limits. */}}
{{- define "soundstrip.rateEnv" -}}
{{- with .rates }}
- {name: RATE_LIMITS, value: {{ toJson . | quote }}}
{{- end }}
- {name: RATE_LIMIT_ADDRESS, value: {{ .address | default "any" | quote }}}
- {name: RATE_LIMIT_LOGIN, value: {{ .login | default "any" | quote }}}
{{- end }}

{{/* What pages of other origins may do. Takes what is said of browsers. */}}
{{- define "soundstrip.browserEnv" -}}
- {name: CORS_ORIGINS, value: {{ join "," .corsOrigins | quote }}}
- {name: HSTS_SECONDS, value: {{ .hstsSeconds | int64 | quote }}}
{{- end }}

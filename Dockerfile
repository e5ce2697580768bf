# Mooring's image: one program, `mooring`, for the connector and for the control plane.
#
#   docker build -t registry.example.com/mooring:0.1.0 --build-arg VERSION=0.1.0 .
#   docker run --rm registry.example.com/mooring:0.1.0 --version
#
# No shell in it; it writes nowhere but into the volumes that it is given. The bases are arguments, so that they
# can come from one's own registry, pinned by digest. Same sources, same bases, same SOURCE_DATE_EPOCH: same files.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

# The build is plain JavaScript for every platform, so it runs on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build
# What the bundle leaves outside is loaded by the first integration or store that needs it.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -name '*.md' \) \
    ! -iname 'licen[cs]e*' -exec rm {} +
# The path of Node in RUNTIME_IMAGE: there is no `env` there that would find it.
ARG RUNTIME_NODE=/nodejs/bin/node
ARG SOURCE_DATE_EPOCH=0
RUN mkdir -p /out/app/bin \
  && sed "1s,.*,#!${RUNTIME_NODE}," bin/mooring.js > /out/app/bin/mooring \
  && cp -r package.json LICENSE dist node_modules /out/app/ \
  && rm -rf /out/app/node_modules/.bin /out/app/node_modules/.package-lock.json \
  && chmod -R u=rwX,go=rX /out/app && chmod 755 /out/app/bin/mooring \
  && find /out -exec touch -h -d "@${SOURCE_DATE_EPOCH}" {} +

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Mooring" \
  org.opencontainers.image.description="A Kubernetes connector agent and its control plane" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
COPY --from=build --chown=0:0 /out/app /app
ENV PATH=/app/bin:/nodejs/bin:/usr/local/bin:/usr/bin:/bin \
  NODE_ENV=production \
  NODE_OPTIONS=--max-old-space-size-percentage=75
WORKDIR /app
# The number, not the name: Kubernetes' runAsNonRoot can judge no name.
USER 65532:65532
# 7480: the control plane's API and page. 7481: the connector's metrics and health.
EXPOSE 7480 7481
ENTRYPOINT ["/app/bin/mooring"]

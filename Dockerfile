# One image for every process of idtrail: the command says which.
#
#   docker build --build-arg IDTRAIL_REVISION="$(git rev-parse --short HEAD)" -t idtrail .
#   docker run --rm --read-only --tmpfs /tmp -v idtrail:/data -p 127.0.0.1:8080:8080 \
#     -e IDTRAIL_DOOR__ALLOW='["172.17.0.1/32"]' idtrail up --listen 0.0.0.0:8080
#
# The address is that by which Docker's default network knows this machine: only it may post then.
# The release of Rust is that of rust-toolchain.toml; a test holds them together.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
ARG IDTRAIL_REVISION=unknown
# The caches are the builder's own and do not come into the image, so the program is copied out in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    IDTRAIL_REVISION="$IDTRAIL_REVISION" cargo build --release --locked --package idtrail \
    && install -m 0755 target/release/idtrail /usr/local/bin/idtrail

FROM debian:bookworm-slim
# libssl3 is librdkafka's; idtrail's own TLS is compiled in, but takes its authorities from ca-certificates.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libgcc-s1 libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/*
# A fixed number, so that volumes and Kubernetes can name it. Nothing but /data and /tmp is ever written.
RUN groupadd --gid 10001 idtrail \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin idtrail \
    && install -d -o idtrail -g idtrail -m 0700 /data
COPY --from=build /usr/local/bin/idtrail /usr/local/bin/idtrail
ARG IDTRAIL_REVISION=unknown
LABEL org.opencontainers.image.title="idtrail" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$IDTRAIL_REVISION"
# librdkafka and SQLite allocate through glibc, which otherwise keeps memory for eight times as many arenas as cores.
ENV MALLOC_ARENA_MAX=2
USER 10001:10001
# `idtrail up` keeps its data in ./data, which is /data here.
WORKDIR /
ENTRYPOINT ["idtrail"]

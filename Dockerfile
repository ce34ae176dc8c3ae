# syntax=docker/dockerfile:1
# The service as a container: pages, worker and commands from one image, no server inside.

FROM node:22-bookworm-slim AS assets
WORKDIR /assets
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv /opt/accanto/venv
ENV PATH=/opt/accanto/venv/bin:$PATH
COPY requirements.lock /tmp/
RUN pip install --require-hashes --no-deps --only-binary=:all: -r /tmp/requirements.lock
WORKDIR /opt/accanto/app
COPY layers layers
COPY maps maps
COPY geo_service geo_service
COPY --from=assets /assets/node_modules /tmp/node_modules
RUN python -m geo_service.assets /tmp/node_modules && python -m compileall -q .

FROM python:3.11-slim-bookworm
# tzdata: every date that people read is Europe/Rome's. The client of PostgreSQL is for backup and
# restore; its version is that of the server in docker-compose.yml.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends tzdata postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 accanto \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/accanto --shell /usr/sbin/nologin accanto \
    && install -d -m 700 -o accanto -g accanto /var/lib/accanto
COPY --from=packages /opt/accanto /opt/accanto
ENV PATH=/opt/accanto/venv/bin:$PATH \
    PYTHONPATH=/opt/accanto/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ACCANTO_STATE_DIR=/var/lib/accanto \
    TMPDIR=/var/lib/accanto \
    ACCANTO_HOST=0.0.0.0 \
    ACCANTO_PORT=8000
USER 10001:10001
WORKDIR /var/lib/accanto
VOLUME /var/lib/accanto
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["python", "-P", "-m", "geo_service.cli"]
CMD ["serve"]

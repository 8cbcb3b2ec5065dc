# Charter with Airflow, for docker-compose.yml: one image, three services. Nothing secret is in it.
FROM python:3.11-slim-bookworm AS build
COPY deploy/requirements.lock /build/requirements.lock
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement /build/requirements.lock \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="charter" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/charter \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/run/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/charter/dags \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/srv/airflow/logs \
    CHARTER_HOME=/srv/charter \
    CHARTER_FILE=/opt/charter/charter.toml \
    CHARTER_LANDING=/srv/charter/landing \
    CHARTER_VAULT=/srv/charter/vault \
    CHARTER_KEYS=/srv/charter/keys \
    CHARTER_RELEASES=/srv/charter/releases \
    CHARTER_LEDGER=/srv/charter/ledger \
    CHARTER_REPORTS=/srv/charter/reports
# A volume belongs to the user that the image says, by number; only that user looks into it.
RUN groupadd --gid 10001 charter \
    && useradd --uid 10001 --gid charter --no-create-home --home-dir /run/airflow --shell /usr/sbin/nologin charter \
    && install --directory --owner charter --group charter --mode 0700 \
        /srv/charter /srv/charter/landing /srv/charter/vault /srv/charter/keys /srv/charter/releases \
        /srv/charter/ledger /srv/charter/reports /srv/airflow /srv/airflow/logs
COPY --from=build /opt/venv /opt/venv
COPY charter.toml /opt/charter/charter.toml
COPY expectations /opt/charter/expectations
COPY dags /opt/charter/dags
COPY pipelines /opt/charter/pipelines
COPY --chmod=0755 deploy/charter deploy/entrypoint /usr/local/bin/
USER 10001:10001
WORKDIR /opt/charter
ENTRYPOINT ["/usr/local/bin/entrypoint"]
# Each service of docker-compose.yml has a check of its own; this one is for the image run by itself.
HEALTHCHECK --interval=30s --timeout=30s --start-period=60s --retries=3 CMD ["charter", "--help"]
CMD ["charter", "doctor"]

# whystuck as an image. Nothing is written outside /var/lib/whystuck (the store, where it is SQLite) and /tmp.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/whystuck
COPY requirements.lock ./
RUN /opt/whystuck/bin/python -m pip --disable-pip-version-check install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY parsers parsers
COPY pipeline pipeline
RUN /opt/whystuck/bin/python -m pip --disable-pip-version-check install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="whystuck" \
      org.opencontainers.image.description="Why is this rollout stuck?" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/whystuck /opt/whystuck
COPY deploy/demo /opt/whystuck/demo
RUN install -d -o 65532 -g 65532 -m 0750 /var/lib/whystuck
ENV PATH=/opt/whystuck/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/whystuck
USER 65532:65532
STOPSIGNAL SIGTERM
EXPOSE 9464
ENTRYPOINT ["whystuck"]
CMD ["watch"]

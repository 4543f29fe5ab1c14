# A ledger in a container: non-root, and with nothing to write but /data and /state.
#
#   /data    the ledger file, where no DATABASE_URL names a PostgreSQL
#   /state   log key and guard: a volume of their own, never in the same backup as /data

FROM python:3.11-slim AS build
WORKDIR /build
COPY locks locks
RUN python -m venv tools && tools/bin/pip install --no-cache-dir --require-hashes -r locks/build.txt \
 && python -m venv /opt/traceability \
 && /opt/traceability/bin/pip install --no-cache-dir --require-hashes -r locks/server.txt
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY src src
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
 && /opt/traceability/bin/pip install --no-deps wheels/*.whl \
 && /opt/traceability/bin/python -c 'import traceability.browser as browser; browser.module()'

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin traceability \
 && install -d -o traceability -m 0700 /data /state
COPY --from=build /opt/traceability /opt/traceability
ENV PATH=/opt/traceability/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DATA=/data XDG_STATE_HOME=/state HOST=0.0.0.0 PORT=8000
USER traceability
VOLUME ["/data", "/state"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", \
  "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/readyz', timeout=4)"]
CMD ["traceability", "serve", "--migrate"]

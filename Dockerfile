# The Python that the tests run on. `make images` writes its digest behind the tag (docs/compose.md).
FROM python:3.11.15-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The environment has no pip of its own: nothing in the image installs anything later.
RUN ["python", "-m", "venv", "--without-pip", "/opt/gatepost"]
COPY requirements.txt requirements-build.txt ./
RUN ["pip", "--python", "/opt/gatepost", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", "requirements.txt"]
RUN ["pip", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", "requirements-build.txt"]
COPY pyproject.toml README.md ./
COPY alembic alembic
COPY packages packages
COPY src src
RUN ["pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "dist", "."]
RUN ["sh", "-c", "pip --python /opt/gatepost install --no-deps --no-index dist/*.whl"]

FROM python:3.11.15-slim-bookworm
RUN ["useradd", "--uid", "10001", "--shell", "/usr/sbin/nologin", "--home-dir", "/var/lib/gatepost", "--create-home", "gatepost"]
COPY --from=build /opt/gatepost /opt/gatepost
# In production nothing starts without SECRET_KEY and MySQL; docker-compose.yml says development.
ENV PATH=/opt/gatepost/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    DATA_DIR=/var/lib/gatepost/data
USER gatepost
WORKDIR /var/lib/gatepost
# Made here, so that a volume mounted on it belongs to the user too.
RUN ["mkdir", "--mode=700", "data"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; connection = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=3); connection.request('GET', '/healthz'); sys.exit(connection.getresponse().status != 200)"]
# serve handles SIGTERM itself: it finishes the requests in flight and ends.
CMD ["gatepost", "serve"]

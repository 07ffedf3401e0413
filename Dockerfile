# mockfoundry as a service of a CI run. What it is started with comes from /etc/mockfoundry/config.yaml, or by the environment:
# MOCKFOUNDRY_SEED, MOCKFOUNDRY_SCENARIO, …. It needs nothing that can be written: docker run --read-only --cap-drop ALL.
FROM python:3.13-slim AS build
RUN python -m venv --without-pip /opt/mockfoundry
WORKDIR /src
# The dependencies first, so that a change of the code is a small layer.
COPY pyproject.toml constraints.txt ./
# With what --store redis://HOST needs.
RUN python -c "import tomllib; read = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
    print(*read['dependencies'], *read['optional-dependencies']['redis'], sep='\n')" > requirements.txt \
 && pip --python /opt/mockfoundry/bin/python install --no-cache-dir --constraint constraints.txt --requirement requirements.txt
COPY hatch_build.py README.md LICENSE openapi.yaml ./
COPY docs/mockfoundry.1 docs/
COPY scenarios scenarios
COPY mock mock
RUN PIP_CONSTRAINT=constraints.txt pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.13-slim
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="mockfoundry" \
      org.opencontainers.image.description="A mock of the Cloud Foundry v3 processes API that breaks on purpose" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /opt/mockfoundry /opt/mockfoundry
# The base has none of its library compiled, and later nothing of it can be written.
RUN /opt/mockfoundry/bin/python -c "import asyncio, connexion, uvicorn.protocols.http.httptools_impl, uvloop"
# The start tries what is installed, and compiles what nothing has needed until now.
RUN --mount=type=bind,from=build,source=/wheel,target=/wheel \
    pip --python /opt/mockfoundry/bin/python install --no-cache-dir --no-deps --no-index /wheel/*.whl \
 && /opt/mockfoundry/bin/mockfoundry serve --port 0 --until-stdin-ends < /dev/null
COPY image/healthy /opt/mockfoundry/bin/
COPY image/config.yaml /etc/mockfoundry/
ENV PATH=/opt/mockfoundry/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOCKFOUNDRY_CONFIG=/etc/mockfoundry/config.yaml \
    MOCKFOUNDRY_HOST=0.0.0.0 \
    MOCKFOUNDRY_PORT=8080
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=2s --timeout=5s --start-period=10s CMD ["healthy"]
ENTRYPOINT ["mockfoundry"]
CMD ["serve"]

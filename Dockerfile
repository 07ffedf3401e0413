# mockfoundry as a CI service container. Options come by environment: MOCKFOUNDRY_PORT, MOCKFOUNDRY_SCENARIO, …
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/mockfoundry && /opt/mockfoundry/bin/pip install --no-cache-dir .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home mockfoundry
COPY --from=build /opt/mockfoundry /opt/mockfoundry
ENV PATH=/opt/mockfoundry/bin:$PATH PYTHONUNBUFFERED=1 MOCKFOUNDRY_HOST=0.0.0.0 MOCKFOUNDRY_PORT=8080
USER mockfoundry
EXPOSE 8080
HEALTHCHECK --interval=2s --timeout=5s --start-period=10s CMD ["mockfoundry", "health"]
ENTRYPOINT ["mockfoundry"]
CMD ["serve"]

# On the processor:  docker build --tag genrecls .
# On NVIDIA's GPUs:  docker build --tag genrecls:gpu --build-arg EXTRAS=gpu .
# docs/how_to/install.md says how to run it.
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY conf conf
COPY src src
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.11-slim
ARG EXTRAS=train
COPY --from=wheel /dist /dist
COPY constraints.txt /dist/
RUN python -m pip install --no-cache-dir --constraint /dist/constraints.txt "$(echo /dist/*.whl)[${EXTRAS}]" \
    && rm -r /dist \
    && useradd --create-home --uid 1000 genrecls \
    && install --directory --owner 1000 /work
# Whoever runs it with --user has no home here, and these libraries want a place to write.
ENV MPLCONFIGDIR=/tmp/matplotlib NUMBA_CACHE_DIR=/tmp/numba
USER 1000
# data/ and outputs/ are made here.
WORKDIR /work
ENTRYPOINT ["genrecls"]
CMD ["--help"]

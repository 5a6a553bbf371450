# syntax=docker/dockerfile:1
# Two stages: the first installs and takes away what serving never reads, the second runs.
# VIDEOS=1 adds what the genre of a video needs (yt-dlp with deno, 120 MB more).

FROM python:3.11-slim AS installed
ARG VIDEOS=0
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /install
# The version is the distribution's: it only strips symbols.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt .
RUN if [ "$VIDEOS" = 1 ]; then cp requirements.txt wanted.txt; \
    else grep -v '^yt-dlp' requirements.txt > wanted.txt; fi \
    && python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --no-compile -r wanted.txt
# Libraries in *.libs are linked by their place in the file, and break when they are stripped.
WORKDIR /venv/lib/python3.11/site-packages
# ONNX Runtime's module for Python holds all that its library for C holds.
RUN find . -type d \( -name tests -o -name test -o -name __pycache__ \) -prune -exec rm -rf {} + \
    && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' \
        -o -name '*.h' -o -name '*.hpp' -o -name '*.a' -o -name 'libonnxruntime.so*' \) -delete \
    && find . -name '*.so' -not -path '*.libs/*' -exec strip --strip-unneeded {} + \
    && find botocore/data -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sts ! -name 'sso*' -exec rm -rf {} +

FROM python:3.11-slim
ARG VIDEOS=0
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORT=5000 \
    DATA_PATH=/data \
    LIBRARY_PATH=/data/library \
    VISUALIZATIONS_PATH=/data/visualizations \
    YOUTUBE_ENABLED=$VIDEOS
RUN useradd --system --uid 10001 --no-create-home emosync \
    && install --directory --owner=emosync /data
COPY --from=installed /venv /venv
WORKDIR /srv
COPY . .
USER 10001
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/ready', timeout=4)"]
# Sent to gunicorn itself, which lets requests under way finish.
STOPSIGNAL SIGTERM
CMD ["gunicorn", "app:create_app()"]

# A service of one run on the CPU, as docs/production.md explains. Build: docker build -t seqrec .
# Run: docker run --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 \
#          -v "$PWD/runs:/shop/runs:ro" -v "$PWD/data:/shop/data:ro" -e SEQREC_TOKEN seqrec
FROM python:3.11-slim

# No compiler and no GPU libraries: the wheel of torch for the CPU is a tenth of the other one.
COPY . /src
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu \
        "$(grep '^torch==' /src/constraints.txt)" \
    && pip install --no-cache-dir --constraint /src/constraints.txt "/src[serve,parquet]" \
    && rm -rf /src \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin seqrec

WORKDIR /shop
USER 10001
ENV PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=5)"]
ENTRYPOINT ["seqrec"]
CMD ["serve", "latest", "--host", "0.0.0.0", "--port", "8000"]

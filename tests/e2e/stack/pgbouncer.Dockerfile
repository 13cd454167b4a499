ARG BASE
FROM ${BASE}
USER postgres
CMD ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]

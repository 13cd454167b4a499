ARG BASE
FROM ${BASE}
COPY program/nginx /usr/sbin/nginx
COPY nginx.conf /etc/nginx/nginx.conf
RUN chmod 0755 /usr/sbin/nginx && mkdir -p /var/log/nginx /var/cache/nginx
STOPSIGNAL SIGQUIT
CMD ["nginx", "-c", "/etc/nginx/nginx.conf", "-e", "/dev/stderr", "-g", "daemon off;"]

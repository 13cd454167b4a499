"""One serve contract on every server: sockets, generations, drain, admin port."""

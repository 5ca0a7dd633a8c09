# Varnish as a cache of whatever the origin says; {HOST} and {PORT} are filled in.
vcl 4.1;

backend origin {
  .host = "{HOST}";
  .port = "{PORT}";
}

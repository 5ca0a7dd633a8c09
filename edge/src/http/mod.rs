//! HTTP/1.1 and caching rules as values: bytes in, value out. No socket, no clock, no log in here.

pub(crate) mod cache_control;
pub(crate) mod chunked;
pub(crate) mod conditional;
pub(crate) mod date;
pub(crate) mod fields;
pub(crate) mod freshness;
pub(crate) mod proxy_protocol;
pub(crate) mod range;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod target;
pub(crate) mod vary;

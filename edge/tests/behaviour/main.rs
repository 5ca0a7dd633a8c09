//! What the edge promises, one file a promise. One binary: thirty would each be linked anew after every change.

mod support;

mod any_origin;
mod cmcd;
mod coalesce;
mod conditional;
mod cors;
mod desync;
mod disk;
mod disk_faults;
mod disk_kill;
mod door;
mod drain;
mod features;
mod gate;
mod https;
mod interim;
mod invalidate;
mod loops;
mod multipart;
mod origin_tls;
mod origins;
mod pipelining;
mod proxies;
mod purge;
mod range;
mod refuse_bad_requests;
mod reload;
mod slices;
mod slow_clients;
mod stale;
mod stream_while_filling;
mod tier;
mod two_shards;
mod upstream_failures;
mod vary;

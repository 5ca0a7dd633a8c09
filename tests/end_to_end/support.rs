//! The servers that tests start, each a process of the test's own; the catalogue's and the origin's tests use the same ones.
#![allow(dead_code)] // these tests use a part

#[path = "../../origin/tests/behaviour/support/nats.rs"]
pub mod nats;
#[path = "../../storage/durable/tests/support/postgres.rs"]
pub mod postgres;
#[path = "../../origin/tests/behaviour/support/redis.rs"]
pub mod redis;
#[path = "../../storage/durable/tests/support/weed.rs"]
pub mod weed;

//! What we are compared with.

pub mod nginx;
pub mod rav1e;

//! storage/durable

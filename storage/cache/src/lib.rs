//! storage/cache

//! The contestants' line protocol, for those written in Rust.

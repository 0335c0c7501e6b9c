//! Placeholder until the contestant is written.
fn main() {}

//! One contestant's figures as one line of JSON; `summary/mod.rs` defines the fields.
//!
//! Invariant: one object, one line, every field always there; null where there is no figure.

use crate::summary::Summary;

/// The line, without its end.
pub(crate) fn line(summary: &Summary) -> String {
    // Strings, numbers and lists of them: there is nothing here that JSON can't say.
    serde_json::to_string(summary).unwrap_or_default()
}

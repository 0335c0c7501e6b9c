//! Figures from made-up records.

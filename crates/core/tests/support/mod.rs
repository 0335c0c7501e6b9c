//! What the history tests share: chance, a world that answers the pool, and a witness that holds it to its promises.

pub mod chance;
pub mod history;
pub mod shrink;
pub mod witness;
pub mod world;

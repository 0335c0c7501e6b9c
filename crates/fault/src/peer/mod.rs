//! What a server does to requests, PINGs and resets, and how any process, ours too, pauses. One file each.

mod pause;
mod pings;
mod resets;
mod restart;
mod slow;

pub use pause::Pause;
pub use pings::PingPolice;
pub use resets::ResetPolice;
pub use restart::{Restart, Standing};
pub use slow::Slow;

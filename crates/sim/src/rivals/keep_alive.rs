//! Periodic keep-alive: a PING when nothing was read for an interval and requests are under way; no answer in time, and
//! the connection is closed with all that is on it (hyper's `keep_alive_interval` and `keep_alive_timeout`).

use outlive_core::{Span, Time};
use outlive_fault::Micros;

use super::{Judge, Reaction};

/// A PING after each `interval` of silence.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive {
    interval: Span,
    timeout: Span,
}

impl KeepAlive {
    /// Asks after `interval`, closes `timeout` later.
    pub fn new(interval: Micros, timeout: Micros) -> Self {
        Self { interval: Span::from_micros(interval), timeout: Span::from_micros(timeout) }
    }
}

/// When it was last heard, and when it was asked since.
#[derive(Clone, Copy, Default, Debug)]
pub struct Silence {
    heard: Time,
    asked: Option<Time>,
}

impl Judge for KeepAlive {
    type Book = Silence;

    fn heard(&self, book: &mut Silence, at: Time) {
        book.heard = book.heard.max(at);
    }

    fn pong(&self, book: &mut Silence, _: Time) {
        book.asked = None;
    }

    fn due(&self, book: &Silence, live: u32) -> Option<Time> {
        match book.asked {
            Some(asked) => Some(asked + self.timeout),
            None => (live > 0).then_some(book.heard + self.interval),
        }
    }

    fn look(&self, book: &mut Silence, now: Time) -> Reaction {
        match book.asked {
            Some(asked) if asked + self.timeout <= now => Reaction::Close,
            None if book.heard + self.interval <= now => {
                book.asked = Some(now);
                Reaction::Ask
            }
            _ => Reaction::Nothing,
        }
    }
}

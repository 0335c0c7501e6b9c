//! Ctrl-C, and its relatives.
//!
//! The first signal stops the run in order: `app.rs` drops what is under way, which kills every child, and then writes
//! what there is. The second ends the process at once; children then die by their guard.
//!
//! Invariant: from the moment `watch` returns, no signal ends the process without one of the two.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// Which signal it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interrupt {
    pub(crate) name: &'static str,
    number: u8,
}

const INTERRUPT: Interrupt = Interrupt { name: "SIGINT", number: 2 };
const TERMINATE: Interrupt = Interrupt { name: "SIGTERM", number: 15 };
const HANG_UP: Interrupt = Interrupt { name: "SIGHUP", number: 1 };

impl Interrupt {
    /// The exit status by which a shell knows that a signal ended a program.
    pub(crate) fn exit_status(self) -> u8 {
        128 + self.number
    }
}

/// Whether there was a signal, for as many as want to know.
#[derive(Clone, Debug)]
pub(crate) struct Watch(watch::Receiver<Option<Interrupt>>);

impl Watch {
    /// Returns when there is one.
    pub(crate) async fn interrupted(&mut self) -> Interrupt {
        match self.0.wait_for(Option::is_some).await.map(|interrupt| *interrupt) {
            Ok(Some(interrupt)) => interrupt,
            // Whoever watches for signals does so as long as the process lives.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// The one there was, if there was one.
    pub(crate) fn interrupt(&self) -> Option<Interrupt> {
        *self.0.borrow()
    }
}

/// Catches signals from now on.
pub(crate) fn watch() -> io::Result<Watch> {
    let mut signals = Signals {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
        hang_up: signal(SignalKind::hangup())?,
    };
    let (first, receiver) = watch::channel(None);
    tokio::spawn(async move {
        first.send_replace(Some(signals.next().await));
        let second = signals.next().await;
        std::process::exit(second.exit_status().into());
    });
    Ok(Watch(receiver))
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.terminate.recv() => TERMINATE,
            _ = self.hang_up.recv() => HANG_UP,
        }
    }
}

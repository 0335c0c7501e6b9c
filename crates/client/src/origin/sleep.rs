//! Sleeping to the point: tokio's timers are a millisecond or two late, which is much of a tight deadline.
//!
//! On Linux the last stretch of a sleep also arms a `timerfd` of the alarm's own; whichever of the two rings first ends it.
//! (The `timerfd` knows nothing of a paused tokio clock; tokio's timer does.) What comes before is tokio's alone, and costs no
//! system call: most alarms are needless when it ends, for the answer has come. Invariant: whoever slept looks at the clock, for
//! a sleep may end early. Next: [`super::alarm`].

use tokio::time::Instant;

/// A sleeper with its means.
#[derive(Default)]
pub(super) struct Sleep {
    #[cfg(target_os = "linux")]
    precise: precise::Timer,
}

impl Sleep {
    /// Sleeps until then, or a little less.
    pub(super) async fn until(&mut self, instant: Instant) {
        #[cfg(target_os = "linux")]
        let wait = instant.saturating_duration_since(Instant::now());
        #[cfg(target_os = "linux")]
        if wait > 2 * precise::LAST_STRETCH && wait <= precise::SHORT {
            let early = instant.checked_sub(precise::LAST_STRETCH).unwrap_or(instant);
            return tokio::time::sleep_until(early).await;
        }
        #[cfg(target_os = "linux")]
        if let Some(ring) = self.precise.arm(wait) {
            // Boxed, for it is much and rare: nearly all sleep for longer.
            return Box::pin(async move {
                tokio::select! {
                    () = ring.wait() => {}
                    () = tokio::time::sleep_until(instant) => {}
                }
            })
            .await;
        }
        tokio::time::sleep_until(instant).await;
    }
}

#[cfg(target_os = "linux")]
mod precise {
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// Longer sleeps bear a millisecond more.
    pub(super) const SHORT: Duration = Duration::from_millis(100);

    /// What tokio may be late by. With 1,000 origins in use in turns, most of them slept for longer than twice this, and to
    /// have armed the `timerfd` for each request was a system call to arm and another to read, for nothing.
    pub(super) const LAST_STRETCH: Duration = Duration::from_millis(2);

    /// A timer that is made when it is first needed.
    #[derive(Default)]
    pub(super) enum Timer {
        #[default]
        Unused,
        Made(Ring),
        /// There are no more file descriptors, say.
        Unavailable,
    }

    /// A timer that can be waited for.
    pub(super) struct Ring(AsyncFd<OwnedFd>);

    impl Timer {
        /// Has it ring after `wait`, if that is short.
        pub(super) fn arm(&mut self, wait: Duration) -> Option<&Ring> {
            if wait > SHORT {
                return None;
            }
            if let Self::Unused = self {
                *self = Ring::make().map_or(Self::Unavailable, Self::Made);
            }
            let Self::Made(ring) = self else { return None };
            ring.set(wait).then_some(ring)
        }
    }

    impl Ring {
        fn make() -> Option<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
            #[expect(
                deprecated,
                reason = "its successor is unsafe, for descriptors that somebody may close; nobody can close this one"
            )]
            AsyncFd::with_interest(timer, Interest::READABLE).ok().map(Self)
        }

        fn set(&self, wait: Duration) -> bool {
            let nanos = wait.as_nanos().max(1); // zero would disarm it
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value =
                Timespec { tv_sec: (nanos / 1_000_000_000) as i64, tv_nsec: (nanos % 1_000_000_000) as _ };
            let at = Itimerspec { it_interval: never, it_value: value };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &at).is_ok()
        }

        pub(super) async fn wait(&self) {
            loop {
                let Ok(mut ready) = self.0.readable().await else { return std::future::pending().await };
                // Readiness may be left over from an earlier time that nobody waited for.
                let read = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?));
                if let Ok(Ok(_)) = read {
                    return;
                }
            }
        }
    }
}

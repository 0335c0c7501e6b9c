//! When to dial, and how often: by need, within limits, apart from any single request (promise P6).

use crate::rtt::Rtt;
use crate::{Limits, Span, Time};

/// What the pool knows about dialling its origin. Where to, and how soon after a failure: [`crate::addresses`].
#[derive(Debug)]
pub(crate) struct Dials {
    /// Streams that the last connection to open may carry: what the next one is expected to.
    streams: Option<u32>,
    duration: Rtt,
    /// Dials called off for being late since one last succeeded.
    redials: u32,
    worked: bool,
}

/// What calls for connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Need {
    /// Requests that no connection has room for, rescues included.
    pub(crate) waiting: u32,
    /// Connections that are open and not suspect.
    pub(crate) alive: u32,
    /// Of these, the ones whose peer allows no stream at all at present; more of the kind would not help.
    pub(crate) mute: u32,
    pub(crate) suspects: u32,
    /// Connections that take no new requests and have not ended.
    pub(crate) leaving: u32,
    /// Connections wanted besides those that are alive: to compare with, to succeed one that is too old.
    pub(crate) besides: u32,
    /// Dials under way.
    pub(crate) dialing: u32,
    /// When the last of these was started.
    pub(crate) last_dial: Time,
}

impl Dials {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { streams: limits.streams_expected, duration: Rtt::unknown(), redials: 0, worked: false }
    }

    pub(crate) fn succeeded(&mut self, took: Span, streams: u32) {
        (self.redials, self.worked) = (0, true);

        self.duration.sample(took);
        self.streams = Some(streams);
    }

    /// How many dials to start now.
    pub(crate) fn wanted(&self, now: Time, need: Need, limits: &Limits) -> u32 {
        let alive_room = limits.connections.saturating_sub(need.alive + need.dialing);
        let room = limits
            .connections
            .saturating_mul(2)
            .saturating_sub(need.alive + need.suspects + need.leaving + need.dialing);
        let target = self.target(need, limits);
        let late = u32::from(self.company_at(need, limits).is_some_and(|at| at <= now));
        let under_way = target.max(need.dialing + late).min(self.at_once(limits));
        under_way.saturating_sub(need.dialing).min(alive_room).min(room)
    }

    /// How many connections are missing. Where nobody knows how many streams one carries, one goes ahead to find out;
    /// when all that is open is suspect, one is opened before anyone has to wait for it; and some are kept warm.
    pub(crate) fn target(&self, need: Need, limits: &Limits) -> u32 {
        let for_waiting = match self.streams {
            _ if need.waiting == 0 || need.mute > 0 => 0,
            None => 1,
            Some(streams) => need.waiting.div_ceil(streams.max(1)),
        };
        let for_suspects = u32::from(need.alive == 0 && need.suspects > 0);
        let for_warmth = limits.connections_min.saturating_sub(need.alive);
        // One more like those that are mute would be no better to compare with, and no successor.
        let besides = if need.mute > 0 { 0 } else { need.besides };
        for_waiting.max(for_suspects).max(for_warmth).max(besides)
    }

    /// When the dials under way have taken so long that they get company: as long as a dial is known to take after the
    /// last of them was started, and twice that for each one more.
    fn company_at(&self, need: Need, limits: &Limits) -> Option<Time> {
        if need.dialing == 0 || self.target(need, limits) == 0 {
            return None;
        }
        let (least, most) = (limits.stagger_min, limits.stagger_max);
        let usual = self.duration.floor(limits).clamp(least, most.max(least));
        Some(need.last_dial + (usual * (1 << (need.dialing - 1).min(8))).min(most.max(least)))
    }

    /// When the oldest dial is to be called off and dialled anew, for all that may be under way are late.
    pub(crate) fn redial_at(&self, need: Need, limits: &Limits) -> Option<Time> {
        let is_full = need.dialing >= self.at_once(limits) && self.target(need, limits) > 0;
        is_full.then(|| {
            need.last_dial + limits.redial * (1 << self.redials.saturating_sub(limits.redials_quick).min(16))
        })
    }

    /// Whether one ever succeeded.
    pub(crate) fn has_worked(&self) -> bool {
        self.worked
    }

    pub(crate) fn redialled(&mut self) {
        self.redials += 1;
    }

    /// When to look again although nothing happens: when the last dial has become late. `None` where nothing is missing.
    pub(crate) fn due(&self, need: Need, limits: &Limits) -> Option<Time> {
        self.company_at(need, limits).filter(|_| need.dialing < self.at_once(limits))
    }

    /// How many dials may be under way.
    fn at_once(&self, limits: &Limits) -> u32 {
        match self.streams {
            Some(1) => limits.dials_single,
            Some(_) | None => limits.dials,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_000_000);
    const NOTHING: Need = Need {
        waiting: 0,
        alive: 0,
        mute: 0,
        suspects: 0,
        leaving: 0,
        besides: 0,
        dialing: 0,
        last_dial: NOW,
    };

    #[track_caller]
    fn check(streams: Option<u32>, need: Need, wanted: u32) {
        let limits = Limits { streams_expected: streams, ..Limits::default() };
        assert_eq!(Dials::new(&limits).wanted(NOW, need, &limits), wanted, "{streams:?} {need:?}");
    }

    #[test]
    fn need_decides_and_limits_bound() {
        check(None, NOTHING, 0);
        check(None, Need { waiting: 64, ..NOTHING }, 1); // find out first
        check(Some(100), Need { waiting: 64, ..NOTHING }, 1);
        check(Some(100), Need { waiting: 201, ..NOTHING }, 3);
        check(Some(100), Need { waiting: 201, dialing: 3, ..NOTHING }, 0);
        check(Some(100), Need { waiting: 100_000, ..NOTHING }, 4);
        check(Some(1), Need { waiting: 64, ..NOTHING }, 16);
        check(Some(1), Need { waiting: 64, alive: 250, ..NOTHING }, 6);
        let late = Need { last_dial: Time::ZERO, ..NOTHING };
        check(None, Need { waiting: 1, dialing: 1, ..NOTHING }, 0);
        check(None, Need { waiting: 1, dialing: 1, ..late }, 1); // a late dial gets company
        check(None, Need { waiting: 1, dialing: 4, ..late }, 0); // up to the limit
        check(None, Need { dialing: 1, ..late }, 0); // and only while somebody needs it
        check(None, Need { suspects: 1, ..NOTHING }, 1); // a replacement, before anyone waits
        check(None, Need { suspects: 1, alive: 1, ..NOTHING }, 0);
        check(Some(100), Need { waiting: 1, alive: 1, mute: 1, ..NOTHING }, 0); // the peer allows nothing now
        check(Some(100), Need { besides: 1, alive: 1, mute: 1, ..NOTHING }, 0); // nor to compare with
    }
}

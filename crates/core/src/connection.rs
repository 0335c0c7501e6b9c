//! The pool's record of one connection: life, health, evidence, and the streams in use.
//!
//! Invariant (promise P3): [`Connection::has_room`] counts every attempt that has not ended, given up or not.

use std::collections::VecDeque;

use crate::attempt::State;
use crate::census::Standing;
use crate::evidence::{Evidence, Open};
use crate::health::Health;
use crate::life::{Life, Turn};
use crate::ready::Tier;
use crate::rtt::Rtt;
use crate::{AddressId, AttemptId, Limits, Span, Time};

/// A connection, from the decision to dial until it is closed.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) life: Life,
    pub(crate) health: Health,
    pub(crate) evidence: Evidence,
    /// Since when it has been dialled, open, or suspect: the last of these to begin.
    pub(crate) since: Time,
    /// Streams that it may carry at a time.
    pub(crate) streams: u32,
    pub(crate) can_probe: bool,
    /// Whether its socket takes bytes.
    pub(crate) writable: bool,
    pub(crate) address: Option<AddressId>,
    /// When it is too old, if ever.
    pub(crate) aged: Time,
    /// Requests given up here in a row, with no response head in between.
    pub(crate) silent_row: u32,
    /// When the last response head arrived here.
    pub(crate) last_head: Time,
    /// The attempts that have not ended.
    pub(crate) carried: Vec<AttemptId>,
    unanswered: u32,
    answered: u32,
    /// Given up, arrived, waiting for their turn to be reset.
    pub(crate) resetting: VecDeque<AttemptId>,
    pub(crate) pace: Pace,
    /// Whether its peer complained of being asked too often.
    pub(crate) complained: bool,
    /// Since when nothing has been under way.
    pub(crate) idle: Time,
    /// How long its peer lets that last.
    pub(crate) keeps: Span,
    /// As the census has it.
    pub(crate) standing: Standing,
}

impl Connection {
    pub(crate) fn dialing(now: Time, rtt: Rtt, address: Option<AddressId>, limits: &Limits) -> Self {
        Self {
            life: Life::Dialing,
            health: Health::Alive,
            evidence: Evidence::new(now, rtt),
            since: now,
            streams: 0,
            can_probe: false,
            writable: true,
            address,
            aged: Time::NEVER,
            silent_row: 0,
            last_head: Time::ZERO,
            carried: Vec::new(),
            unanswered: 0,
            answered: 0,
            resetting: VecDeque::new(),
            pace: Pace { credit: limits.resets, since: now },
            complained: false,
            idle: now,
            keeps: Span::MAX,
            standing: Standing::Dialing,
        }
    }

    /// What it is once the dial has succeeded.
    pub(crate) fn open(&mut self, now: Time, streams: u32, can_probe: bool) {
        self.life = self.life.after(Turn::Connect);
        self.evidence.rtt.bound(now.since(self.since) / 2);
        (self.streams, self.can_probe, self.since, self.idle) = (streams, can_probe, now, now);
        // Most of the time one at a time is enough, and a list's usual room is four.
        self.carried.reserve_exact(1);
        if can_probe {
            self.evidence.expect();
        }
    }

    pub(crate) fn load(&self) -> u32 {
        u32::try_from(self.carried.len()).unwrap_or(u32::MAX)
    }

    /// Whether most of its streams are taken, so that it matters how soon those of given-up requests are free again.
    pub(crate) fn is_crowded(&self) -> bool {
        self.load() >= self.streams.div_ceil(2)
    }

    /// Whether a request may be sent here (P1, P3).
    pub(crate) fn has_room(&self) -> bool {
        self.life.is_open() && self.health != Health::Suspect && self.writable && self.load() < self.streams
    }

    /// Where it stands among those that can take a request, if it can. `is_accused`: it is compared with another.
    pub(crate) fn tier(&self, is_accused: bool) -> Option<Tier> {
        let is_doubted = is_accused || self.health == Health::Asked;
        self.has_room().then_some(if is_doubted { Tier::Doubted } else { Tier::Trusted })
    }

    /// Where the census has to count it.
    pub(crate) fn stands(&self) -> Standing {
        match (self.life, self.health, self.streams) {
            (Life::Dialing, _, _) => Standing::Dialing,
            (Life::Draining, _, _) => Standing::Leaving,
            (Life::Open | Life::Retiring, Health::Suspect, _) => Standing::Suspect,
            (Life::Open | Life::Retiring, Health::Alive | Health::Asked, 0) => Standing::Mute,
            (Life::Open, Health::Alive | Health::Asked, _) => Standing::Alive,
            (Life::Retiring, Health::Alive | Health::Asked, _) => Standing::Retiring,
        }
    }

    /// Keeps the counts in step when one of its attempts changes state.
    pub(crate) fn count(&mut self, before: Option<State>, after: State) {
        let is_answered = |state| matches!(state, State::Answered);
        if let Some(before) = before {
            self.unanswered -= u32::from(before.is_unanswered());
            self.answered -= u32::from(is_answered(before));
        }
        self.unanswered += u32::from(after.is_unanswered());
        self.answered += u32::from(is_answered(after));
    }

    /// How many of those that it carries somebody waits for.
    pub(crate) fn wanted(&self) -> u32 {
        self.unanswered + self.answered
    }

    /// Whether nobody waits for anything that it carries: all of it was given up, or there is none.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.wanted() == 0
    }

    /// Whether there may be something to judge although no look is due: a question that can't wait, resets, or its end. Nearly always
    /// there is not: one of many was answered here.
    pub(crate) fn is_remarkable(&self) -> bool {
        self.evidence.is_pressed()
            || !self.resetting.is_empty()
            || self.carried.is_empty()
            || self.life == Life::Draining
    }

    /// What is under way, as far as asking for proof goes.
    pub(crate) fn under_way(&self, limits: &Limits) -> Open {
        if self.unanswered > 0 || self.evidence.owes() {
            Open::Unanswered
        } else if !self.resetting.is_empty() && self.evidence.unproven_resets() >= limits.resets_unproven {
            Open::Resets
        } else if self.answered > 0 {
            Open::Bodies
        } else {
            Open::Nothing
        }
    }
}

/// A bucket of credit that keeps resets apart (promise P10).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    credit: u32,
    /// Since when credit has been growing.
    since: Time,
}

impl Pace {
    /// Takes one unit of credit, or says when there will be one.
    pub(crate) fn take(&mut self, now: Time, limits: &Limits) -> Result<(), Time> {
        let interval = limits.reset_interval.as_micros().max(1);
        let grown = now.since(self.since).as_micros() / interval;
        let credit = u64::from(self.credit) + grown;
        if credit >= u64::from(limits.resets) {
            (self.credit, self.since) = (limits.resets, now);
        } else {
            self.credit = u32::try_from(credit).unwrap_or(limits.resets);
            self.since = self.since + limits.reset_interval * u32::try_from(grown).unwrap_or(u32::MAX);
        }
        if self.credit == 0 {
            return Err(self.since + limits.reset_interval);
        }
        self.credit -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_come_in_a_burst_and_then_at_their_pace() {
        let limits = Limits { resets: 3, reset_interval: Span::from_millis(10), ..Limits::default() };
        let mut pace = Pace { credit: limits.resets, since: Time::ZERO };
        let at = |millis: u64| Time::from_micros(millis * 1000);
        for _ in 0..3 {
            assert_eq!(pace.take(at(100), &limits), Ok(()));
        }
        assert_eq!(pace.take(at(100), &limits), Err(at(110)));
        assert_eq!(pace.take(at(109), &limits), Err(at(110)));
        for _ in 0..2 {
            assert_eq!(pace.take(at(125), &limits), Ok(()));
        }
        assert_eq!(pace.take(at(125), &limits), Err(at(130)), "the half interval already grown is not lost");
        for _ in 0..3 {
            assert_eq!(pace.take(at(10_000), &limits), Ok(()));
        }
        assert!(pace.take(at(10_000), &limits).is_err(), "credit does not pile up beyond the burst");
    }
}

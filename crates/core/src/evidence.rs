//! What is known of a connection's life: proven, owed, heard (and asked).
//!
//! TCP delivers in order, and attempts are written in the order of their numbers. So an answer that the peer could only
//! give after it received one attempt proves that all earlier ones arrived too: proof is one number that only grows.
//!
//! Invariant (promise P15): nothing but proof of a later write settles what is owed for an earlier one. Bytes heard
//! move judgement, never proof.

use std::collections::VecDeque;

use crate::rtt::Rtt;
use crate::{AttemptId, Figures, Limits, ProbeKind, Silence, Span, Time};

/// Something written whose arrival is not proven yet.
#[derive(Clone, Copy, Debug)]
struct Owed {
    attempt: AttemptId,
    sent: Time,
    /// How long its caller is willing to wait from `sent` on; [`Span::MAX`] if that is not known.
    wait: Span,
    /// Whether its request may be rescued.
    repeatable: bool,
}

impl Owed {
    fn wait(&self) -> Option<Span> {
        (self.wait < Span::MAX).then_some(self.wait)
    }

    /// How long it may be owed: a quarter of what its caller will wait, if that is less than the learned patience.
    fn patience(&self, learned: Span) -> Span {
        self.wait().map_or(learned, |wait| learned.min(wait / 4))
    }
}

/// The probe that is out. At most one is.
#[derive(Clone, Copy, Debug)]
struct Probe {
    sent: Time,
}

/// An open question, since when and about what.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    since: Time,
    /// The last attempt sent before the question: only proof of something later answers it.
    behind: Option<AttemptId>,
    /// Half of the way to the earliest deadline among what was owed then: a suspicion by then leaves room to act.
    half: Option<Time>,
    /// Three eighths of that way, among what may be rescued: a suspicion by then leaves room to dial and act.
    early: Option<Time>,
    /// Three quarters of that way: the last moment to act.
    last: Option<Time>,
    /// Segments ever sent again by then, if that was told: those prove nothing.
    retransmits: Option<u32>,
}

/// What the kernel says of the transport.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    at: Time,
    unacked: u32,
    retransmits: u32,
}

/// An attempt whose caller gave up before anything proved that it had arrived.
#[derive(Clone, Copy, Debug)]
struct GivenUp {
    attempt: AttemptId,
    sent: Time,
    at: Time,
}

/// Resets whose arrival is not proven.
#[derive(Clone, Copy, Debug)]
struct Resets {
    count: u32,
    /// When the last was sent.
    last: Time,
    /// The last attempt sent before that.
    behind: Option<AttemptId>,
}

/// The evidence of one connection. What is rare is boxed: an idle connection should take little.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) rtt: Rtt,
    proven: Option<AttemptId>,
    last_sent: Option<AttemptId>,
    owed: VecDeque<Owed>,
    heard: Time,
    /// When proof last arrived; at first, when the connection opened.
    proof: Time,
    probe: Option<Probe>,
    /// The question that is open; none any more when later proof came in, on whatever way.
    doubt: Option<Box<Doubt>>,
    /// The last one of its kind.
    given_up: Option<Box<GivenUp>>,
    /// What the kernel last said, and when.
    kernel: Option<Kernel>,
    resets: Option<Box<Resets>>,
    /// Probes since the last response head.
    probes: u32,
    last_probe: Time,
}

/// What proof did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It settles the doubt: what proved itself was written after the doubt began.
    Cleared,
    /// It says nothing about what is in doubt.
    Stands,
}

impl Evidence {
    pub(crate) fn new(now: Time, rtt: Rtt) -> Self {
        Self {
            rtt,
            proven: None,
            last_sent: None,
            owed: VecDeque::new(),
            heard: now,
            proof: now,
            probe: None,
            doubt: None,
            given_up: None,
            kernel: None,
            resets: None,
            probes: 0,
            last_probe: now,
        }
    }

    /// Something will be owed. Most of the time one at a time is, and a queue's usual room is four.
    pub(crate) fn expect(&mut self) {
        self.owed.reserve_exact(1);
    }

    pub(crate) fn sent(&mut self, attempt: AttemptId, now: Time, deadline: Option<Time>, repeatable: bool) {
        self.last_sent = Some(attempt);
        let wait = deadline.map_or(Span::MAX, |deadline| deadline.since(now));
        self.owed.push_back(Owed { attempt, sent: now, wait, repeatable });
    }

    pub(crate) fn heard(&mut self, at: Time) {
        self.heard = self.heard.max(at);
    }

    /// When a byte was last known to have been read.
    pub(crate) fn last_heard(&self) -> Time {
        self.heard
    }

    /// Whether this connection ever answered anything.
    pub(crate) fn ever_proven(&self) -> bool {
        self.proven.is_some()
    }

    /// What the kernel says (TCP_INFO): whether the other kernel has all that was written, and how often it was sent again.
    /// What it says at the moment of asking is what later words are held against.
    pub(crate) fn kernel(&mut self, at: Time, unacked: u32, retransmits: u32) {
        self.kernel = Some(Kernel { at, unacked, retransmits });
        if let Some(doubt) = self.doubt.as_mut().filter(|doubt| doubt.since == at) {
            doubt.retransmits = Some(retransmits);
        }
    }

    /// A response head arrived: the attempt and all before it have arrived. Appends those newly proven to `arrived`.
    pub(crate) fn answered(
        &mut self,
        attempt: AttemptId,
        now: Time,
        arrived: &mut Vec<AttemptId>,
    ) -> Verdict {
        self.probes = 0;
        self.prove(attempt, now, arrived);
        self.settle_doubt(|doubt| doubt.behind.is_none_or(|behind| attempt > behind))
    }

    /// Drops the open question if what has just proven itself answers it.
    fn settle_doubt(&mut self, answers: impl FnOnce(&Doubt) -> bool) -> Verdict {
        if self.doubt.as_ref().is_some_and(|doubt| !answers(doubt)) {
            return Verdict::Stands;
        }
        self.doubt = None;
        Verdict::Cleared
    }

    /// The probe was answered; `through` is the last attempt whose head went ahead of it. `awake` is since when our own
    /// process has been running without a pause: a round trip that we slept through measures us, not the path.
    ///
    /// The answer to a probe that was out before the question was opened answers that one only if all that was written by
    /// then had gone ahead of the probe (promise P15).
    pub(crate) fn probe_answered(
        &mut self,
        through: Option<AttemptId>,
        now: Time,
        awake: Time,
        arrived: &mut Vec<AttemptId>,
    ) -> Verdict {
        let probe = self.probe.take();
        if let Some(probe) = probe {
            if probe.sent >= awake {
                self.rtt.sample(now.since(probe.sent));
            }
            self.resets.take_if(|resets| probe.sent > resets.last);
        }
        self.proof = now;
        let through = through.min(self.last_sent);
        if let Some(through) = through {
            self.prove(through, now, arrived);
        }
        self.settle_doubt(|doubt| {
            probe.is_some_and(|probe| probe.sent >= doubt.since) || through >= doubt.behind
        })
    }

    #[inline]
    fn prove(&mut self, through: AttemptId, now: Time, arrived: &mut Vec<AttemptId>) {
        self.proof = now;
        self.proven = self.proven.max(Some(through));
        self.resets.take_if(|resets| Some(through) > resets.behind);
        self.given_up.take_if(|given_up| given_up.attempt <= through);
        while let Some(owed) = self.owed.front().filter(|owed| owed.attempt <= through) {
            arrived.push(owed.attempt);
            self.owed.pop_front();
        }
    }

    /// A caller gave this attempt up while its arrival was unproven: the question can't wait any longer.
    pub(crate) fn given_up(&mut self, attempt: AttemptId, sent: Time, now: Time) {
        self.given_up = Some(Box::new(GivenUp { attempt, sent, at: now }));
    }

    /// Whether such a question is open.
    pub(crate) fn is_pressed(&self) -> bool {
        self.given_up.is_some()
    }

    /// A stream is reset.
    pub(crate) fn reset(&mut self, now: Time) {
        let count = self.unproven_resets() + 1;
        self.resets = Some(Box::new(Resets { count, last: now, behind: self.last_sent }));
    }

    /// How many resets have not been proven to have arrived.
    pub(crate) fn unproven_resets(&self) -> u32 {
        self.resets.as_ref().map_or(0, |resets| resets.count)
    }

    /// An attempt ended without proof that it arrived (never written, say): nothing is owed for it any more.
    #[inline]
    pub(crate) fn forget(&mut self, attempt: AttemptId) {
        if self.proven >= Some(attempt) {
            return; // Nearly always: it was answered.
        }
        if let Ok(place) = self.owed.binary_search_by_key(&attempt, |owed| owed.attempt) {
            self.owed.remove(place);
        }
    }

    pub(crate) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Opens the question at `now`, if it is not open yet. Says which probe must be sent for it, if any: one that is still
    /// out will do for the moment.
    pub(crate) fn ask(&mut self, now: Time, limits: &Limits) -> Option<ProbeKind> {
        let share = |eighths: u32, whose: fn(&Owed) -> bool| {
            let owed = self.owed.iter().filter(|owed| whose(owed));
            let shares = owed.filter_map(|owed| owed.wait().map(|wait| owed.sent + wait / 8 * eighths));
            shares.filter(|at| *at > now).min()
        };
        let (half, last) = (share(4, |_| true), share(6, |_| true));
        let early = share(3, |owed| owed.repeatable);
        // Where another probe did not answer it, the question stays what it was, and begins anew.
        let behind = self.doubt.as_ref().map_or(self.last_sent, |doubt| doubt.behind);
        let retransmits = self.kernel.filter(|kernel| kernel.at == now).map(|kernel| kernel.retransmits);
        self.doubt = Some(Box::new(Doubt { since: now, behind, half, early, last, retransmits }));
        if self.probe.is_some() {
            return None;
        }
        self.probe = Some(Probe { sent: now });
        self.probes += 1;
        self.last_probe = now;
        Some(if self.probes > limits.pings { ProbeKind::Settings } else { ProbeKind::Ping })
    }

    /// When to ask for proof. `patience` as learned; `open`: what is under way here; `crowded`: streams are short; `awake`
    /// as above.
    pub(crate) fn ask_at(
        &self,
        patience: Span,
        open: Open,
        crowded: bool,
        awake: Time,
        calm: Span,
        limits: &Limits,
    ) -> Option<Time> {
        if self.doubt.is_some() {
            // The probe that was out came back and did not answer it: another is needed.
            return self.probe.is_none().then(|| self.next_probe(crowded, calm, limits));
        }
        let due = match open {
            Open::Nothing => return None,
            Open::Unanswered if self.is_pressed() => Time::ZERO,
            Open::Unanswered if self.owed.is_empty() => self.again_at(patience, awake),
            Open::Unanswered => self.owed_at(patience, awake),
            Open::Resets => Time::ZERO,
            Open::Bodies => self.again_at(limits.body_patience.max(patience), awake),
        };
        Some(due.max(self.next_probe(crowded, calm, limits)))
    }

    /// The first moment at which something owed has been owed for long enough.
    fn owed_at(&self, patience: Span, awake: Time) -> Time {
        let due = |owed: &Owed| owed.sent.max(awake) + owed.patience(patience);
        self.owed.iter().map(due).min().unwrap_or(Time::NEVER)
    }

    /// Everything has arrived, but answers are outstanding: ask again, each time after twice the silence, since the
    /// path may die while the peer thinks, and then nothing but a fresh write can show it.
    fn again_at(&self, patience: Span, awake: Time) -> Time {
        self.heard.max(self.proof).max(awake) + patience * (1 << self.probes.min(8))
    }

    /// The earliest moment at which politeness allows another probe (promise P9). `calm` is what the origin has asked for.
    fn next_probe(&self, crowded: bool, calm: Span, limits: &Limits) -> Time {
        let most = match (self.is_pressed(), crowded) {
            (false, _) => limits.probe_rest_max,
            (true, false) => limits.probe_rest_pressed,
            (true, true) => limits.probe_rest_min,
        };
        let rest = match self.probes.checked_sub(limits.pings) {
            None => Span::ZERO,
            Some(more) => (limits.probe_rest_min * (1 << more.min(16))).min(most.max(limits.probe_rest_min)),
        };
        if rest.max(calm) == Span::ZERO { Time::ZERO } else { self.last_probe + rest.max(calm) }
    }

    /// When the answer to the open question becomes overdue. `alone`: no other connection could take a rescue, which makes
    /// that wait for a dial.
    pub(crate) fn miss_at(&self, alone: bool, awake: Time, limits: &Limits) -> Option<Time> {
        let doubt = self.doubt.as_ref().filter(|_| self.probe.is_some())?;
        let (floor, pto) = (self.rtt.floor(limits), self.rtt.pto(limits));
        let base = doubt.since.max(awake);
        if let Some(given_up) = &self.given_up {
            // Its caller waited in vain for longer than a round trip takes. Where politeness put the question off, or
            // probes were answered and requests were not, only the question's own wait counts.
            let waited = given_up.sent.max(awake) + floor;
            let is_news = doubt.since <= given_up.at && self.probes <= 1;
            return Some(if is_news { waited.min(base + floor) } else { base + floor });
        }
        let share = if alone { doubt.early.or(doubt.half) } else { doubt.half };
        let due = share.map_or(base + pto, |share| share.clamp(base + floor, base + pto));
        // A retransmission shows that it is not the peer that needs time: no allowance for a busy one.
        let due = if self.is_lossy() { base + floor } else { due };
        if self.heard <= doubt.since {
            return Some(due);
        }
        let cap = (base + limits.postpone).min(doubt.last.unwrap_or(Time::NEVER));
        Some(due.max((self.heard + floor).min(cap)))
    }

    /// Whether the kernel had to send something again since the question was opened, and still waits for it.
    fn is_lossy(&self) -> bool {
        self.kernel.is_some_and(|kernel| kernel.unacked > 0 && self.has_resent(kernel.retransmits))
    }

    /// Whether so many segments ever sent again are more than there were when the question was opened.
    fn has_resent(&self, retransmits: u32) -> bool {
        let before = self.doubt.as_ref().and_then(|doubt| doubt.retransmits);
        before.is_some_and(|before| retransmits > before)
    }

    /// Whether the other kernel has taken all that was written, the question included.
    fn is_stalled_peer(&self) -> bool {
        self.kernel.is_some_and(|kernel| kernel.unacked == 0 && self.is_after_the_question(kernel.at))
    }

    fn is_after_the_question(&self, at: Time) -> bool {
        self.doubt.as_ref().is_some_and(|doubt| at > doubt.since)
    }

    /// Whether a question is open.
    pub(crate) fn is_asked(&self) -> bool {
        self.doubt.is_some()
    }

    /// What figures of the kernel's, read at `at`, say of the silence.
    pub(crate) fn silence(&self, at: Time, figures: Figures) -> Option<Silence> {
        let Figures { unacked, retransmits, timeouts } = figures;
        match unacked {
            0 => self.is_after_the_question(at).then_some(Silence::PeerStalled),
            _ => (timeouts > 0 || self.has_resent(retransmits)).then_some(Silence::PathDead),
        }
    }

    /// When a suspect is beyond hope.
    pub(crate) fn dead_at(&self, suspect_since: Time, awake: Time, limits: &Limits) -> Time {
        let silent_since =
            self.doubt.as_ref().map_or(suspect_since, |doubt| doubt.since).max(self.heard).max(awake);
        // The other kernel has it all: the peer is stalled, the path is not dead. It gets as long as one that is heard.
        if self.is_stalled_peer() {
            return suspect_since.max(awake) + limits.dead_after * limits.dead_after_heard;
        }
        let cap = suspect_since.max(awake) + limits.dead_after * limits.dead_after_heard;
        (silent_since + limits.dead_after).min(cap)
    }
}

/// What is under way on a connection, as far as asking goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Open {
    /// Nothing: silence means nothing.
    Nothing,
    /// Only response bodies.
    Bodies,
    /// Resets that wait for proof that the last ones arrived.
    Resets,
    /// A caller waits for a response head, or something given up is not proven to have arrived.
    Unanswered,
}

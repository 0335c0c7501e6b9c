//! One contestant's records, sorted by what they are about.
//!
//! Invariant: requests stand in the order in which they ended, cuts in the order in which they were due. Records after
//! `end` are ignored: they come from the stage being taken down.
//! Next: `cuts.rs` and `mod.rs` compute from this.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Course;
use crate::{
    fault::Fault,
    manifest::Protocol,
    plan::Method,
    record::{Lateness, Outcome, Record, RequestId, Side, Status, WireId},
};

pub(super) struct Turn<'a> {
    pub(super) contestant: &'a str,
    pub(super) client: &'a str,
    pub(super) protocol: Protocol,
    pub(super) version: Option<&'a str>,
    pub(super) status: Status,
    pub(super) reason: Option<String>,
    pub(super) warm_at: u64,
    /// When the counting was over.
    pub(super) over: Option<Over>,
    pub(super) opened: BTreeMap<WireId, u64>,
    /// When each dial was over, well or not.
    pub(super) dialled: BTreeMap<WireId, u64>,
    /// When each ended.
    pub(super) closed: BTreeMap<WireId, u64>,
    /// Wires whose path was dead from the start.
    pub(super) doomed: HashSet<WireId>,
    /// Wires that the contestant closed while it counted.
    pub(super) closed_by_it: u64,
    pub(super) seen: HashMap<RequestId, Vec<WireId>>,
    /// Requests that came as POST.
    pub(super) posts: HashSet<RequestId>,
    pub(super) goaways: Vec<(u32, &'a str)>,
    /// KiB in main memory, as they changed.
    pub(super) memory: Vec<u64>,
    pub(super) cuts: Vec<Cut<'a>>,
    pub(super) requests: Vec<Request>,
}

pub(super) struct Cut<'a> {
    pub(super) at: u64,
    request: RequestId,
    pub(super) wires: &'a [WireId],
    pub(super) fault: Fault,
    pub(super) outstanding: &'a [RequestId],
}

#[derive(Clone, Copy)]
pub(super) struct Over {
    pub(super) pings: u64,
    pub(super) resets: u64,
    pub(super) lateness: Lateness,
    pub(super) offered: Option<u64>,
}

pub(super) struct Request {
    pub(super) number: RequestId,
    /// When it was to start, in an open loop.
    pub(super) due: Option<u64>,
    pub(super) go: u64,
    pub(super) done: u64,
    pub(super) outcome: Outcome,
    pub(super) took: u64,
}

impl Request {
    /// How long after it was due it was sent.
    pub(super) fn held_up(&self) -> u64 {
        self.due.map_or(0, |due| self.go.saturating_sub(due))
    }
}

impl<'a> Turn<'a> {
    /// `None` when no contestant begins in these records.
    pub(super) fn sort(records: &'a [Record]) -> Option<Self> {
        let mut records = records.iter();
        let mut turn = records.find_map(Turn::begin)?;
        for record in records {
            match record {
                Record::End { status, reason, .. } => {
                    (turn.status, turn.reason) = (*status, reason.clone());
                    break;
                }
                record => turn.note(record),
            }
        }
        Some(turn)
    }

    fn note(&mut self, record: &'a Record) {
        match record {
            Record::Ready { version, .. } => self.version = Some(version),
            Record::Warm { at, .. } => self.warm_at = *at,
            Record::Opened { at, wire } => _ = self.opened.insert(*wire, *at),
            Record::Dialled { at, wire } => _ = self.dialled.entry(*wire).or_insert(*at),
            Record::Closed { at, wire, by } => {
                _ = self.dialled.entry(*wire).or_insert(*at);
                _ = self.closed.entry(*wire).or_insert(*at);
                let counts = self.over.is_none() && self.warm_at <= *at && *by == Side::Client;
                self.closed_by_it += u64::from(counts);
            }
            Record::Seen { request, wire, method, .. } => {
                self.seen.entry(*request).or_default().push(*wire);
                if *method == Method::Post {
                    self.posts.insert(*request);
                }
            }
            Record::Goaway { code, words, .. } => self.goaways.push((*code, words)),
            Record::Memory { resident_kib, .. } => self.memory.push(*resident_kib),
            Record::Cut { at, request, wires, fault, outstanding } => {
                self.cuts.push(Cut { at: *at, request: *request, wires, fault: *fault, outstanding });
            }
            &Record::Request { request: number, due, go, done, outcome, took, .. } => {
                self.requests.push(Request { number, due, go, done, outcome, took });
            }
            &Record::Over { pings, resets, lateness, offered, .. } => {
                self.over = Some(Over { pings, resets, lateness, offered })
            }
            Record::Doomed { wire, .. } => _ = self.doomed.insert(*wire),
            Record::Stopped { by, .. } => self.reason = Some(by.clone()),
            Record::Run { .. }
            | Record::Begin { .. }
            | Record::Stream { .. }
            | Record::Streaming { .. }
            | Record::End { .. } => {}
        }
    }

    fn begin(record: &'a Record) -> Option<Self> {
        let Record::Begin { contestant, client, protocol, .. } = record else { return None };
        Some(Self {
            contestant,
            client,
            protocol: *protocol,
            version: None,
            // Until an `end` says otherwise: a record that breaks off is a run that was stopped.
            status: Status::Stopped,
            reason: Some("the record breaks off here".to_owned()),
            warm_at: u64::MAX,
            over: None,
            opened: BTreeMap::new(),
            dialled: BTreeMap::new(),
            closed: BTreeMap::new(),
            doomed: HashSet::new(),
            closed_by_it: 0,
            seen: HashMap::new(),
            posts: HashSet::new(),
            goaways: Vec::new(),
            memory: Vec::new(),
            cuts: Vec::new(),
            requests: Vec::new(),
        })
    }

    /// The cuts that count: those that hit a live wire.
    pub(super) fn hits(&self) -> impl Iterator<Item = &Cut<'a>> {
        self.cuts.iter().filter(|cut| !cut.wires.is_empty())
    }

    /// `planned` is the number of requests, where that is known beforehand.
    pub(super) fn course(&self, planned: Option<u64>) -> Course {
        let made = || self.requests.iter().map(|request| request.number + 1).max().unwrap_or(0);
        let all = planned.unwrap_or_else(made);
        let mut outcomes = vec![None; usize::try_from(all).unwrap_or(0)];
        for request in &self.requests {
            let place = usize::try_from(request.number).ok().and_then(|number| outcomes.get_mut(number));
            if let Some(place) = place {
                *place = Some(request.outcome);
            }
        }
        let cuts = self.cuts.iter().map(|cut| (cut.request, !cut.wires.is_empty())).collect();
        Course { outcomes, cuts }
    }
}

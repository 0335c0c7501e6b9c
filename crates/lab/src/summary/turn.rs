//! One contestant's records, sorted by what they are about.
//!
//! Invariant: requests stand in the order in which they ended, cuts in the order in which they were due. Records after
//! `end` are ignored: they come from the stage being taken down.
//! Next: `cuts.rs` and `mod.rs` compute from this.

use std::collections::{BTreeMap, HashMap};

use super::Course;
use crate::{
    manifest::Protocol,
    record::{Outcome, Record, RequestId, Status, WireId},
};

pub(super) struct Turn<'a> {
    pub(super) contestant: &'a str,
    pub(super) client: &'a str,
    pub(super) protocol: Protocol,
    pub(super) version: Option<&'a str>,
    pub(super) status: Status,
    pub(super) reason: Option<String>,
    pub(super) warm_at: u64,
    pub(super) opened: BTreeMap<WireId, u64>,
    pub(super) seen: HashMap<RequestId, Vec<WireId>>,
    pub(super) cuts: Vec<Cut<'a>>,
    pub(super) requests: Vec<Request>,
}

pub(super) struct Cut<'a> {
    pub(super) at: u64,
    request: RequestId,
    wire: Option<WireId>,
    outstanding: &'a [RequestId],
}

/// A cut that hit a live wire.
pub(super) struct Hit<'a> {
    pub(super) at: u64,
    pub(super) wire: WireId,
    pub(super) outstanding: &'a [RequestId],
}

pub(super) struct Request {
    number: RequestId,
    pub(super) go: u64,
    pub(super) done: u64,
    pub(super) outcome: Outcome,
    pub(super) took: u64,
}

impl<'a> Turn<'a> {
    /// `None` when no contestant begins in these records.
    pub(super) fn sort(records: &'a [Record]) -> Option<Self> {
        let mut records = records.iter();
        let mut turn = records.find_map(Turn::begin)?;
        for record in records {
            match record {
                Record::Ready { version, .. } => turn.version = Some(version),
                Record::Warm { at, .. } => turn.warm_at = *at,
                Record::Opened { at, wire } => _ = turn.opened.insert(*wire, *at),
                Record::Seen { request, wire, .. } => turn.seen.entry(*request).or_default().push(*wire),
                Record::Cut { at, request, wire, outstanding, .. } => {
                    turn.cuts.push(Cut { at: *at, request: *request, wire: *wire, outstanding });
                }
                &Record::Request { request: number, go, done, outcome, took, .. } => {
                    turn.requests.push(Request { number, go, done, outcome, took });
                }
                Record::End { status, reason, .. } => {
                    (turn.status, turn.reason) = (*status, reason.clone());
                    break;
                }
                Record::Stopped { by, .. } => turn.reason = Some(by.clone()),
                Record::Run { .. } | Record::Begin { .. } | Record::Closed { .. } => {}
            }
        }
        Some(turn)
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
            opened: BTreeMap::new(),
            seen: HashMap::new(),
            cuts: Vec::new(),
            requests: Vec::new(),
        })
    }

    /// The cuts that count.
    pub(super) fn hits(&self) -> impl Iterator<Item = Hit<'a>> {
        self.cuts.iter().filter_map(|cut| {
            let wire = cut.wire?;
            Some(Hit { at: cut.at, wire, outstanding: cut.outstanding })
        })
    }

    pub(super) fn course(&self, planned: u64) -> Course {
        let mut outcomes = vec![None; usize::try_from(planned).unwrap_or(0)];
        for request in &self.requests {
            let place = usize::try_from(request.number).ok().and_then(|number| outcomes.get_mut(number));
            if let Some(place) = place {
                *place = Some(request.outcome);
            }
        }
        let cuts = self.cuts.iter().map(|cut| (cut.request, cut.wire.is_some())).collect();
        Course { outcomes, cuts }
    }
}

//! Every limit of the pool, with its default, its unit and its reason.
//!
//! Nothing in the core grows or waits without one of these (promise P11). A number that steers a decision and
//! does not stand here is a bug.

use crate::Span;

/// What one pool may do at most, and how long it waits for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections that are open or being opened. Suspects and those that drain do not count, so that a full pool of
    /// them can be replaced; with them there are at most twice as many.
    pub connections: u32,
    /// Connections kept open whether needed or not, from the first fact on; re-dialled in the background, also when one is
    /// suspect. With 2 or more, a cut never needs a dial on the way (promise P13).
    pub connections_min: u32,
    /// Addresses of the origin that are kept in mind.
    pub addresses: u32,
    /// Dials under way at a time, where a connection carries several requests. Four TLS handshakes keep two
    /// cores busy; 64 at a time, one per waiter, have been seen to starve each other until none ended in time.
    pub dials: u32,
    /// The same where a connection carries one request (HTTP/1.1) and 64 waiters do need 64 connections.
    pub dials_single: u32,
    /// Streams that a connection is expected to carry before any was opened; `None` where ALPN has to tell, and
    /// then one dial goes ahead to find out. 1 for HTTP/1.1.
    pub streams_expected: Option<u32>,
    /// Requests waiting for a connection. One more fails at once: a queue that long is an outage already.
    pub waiting: u32,
    /// How long a request may wait for a connection at a stretch before it fails. One that was out and waits again starts
    /// anew.
    pub wait: Span,
    /// Times that one request may be sent again at a risk: rescues and retries.
    pub extra: u32,
    /// Extra attempts of the pool within ten seconds, in percent of the requests of that time,
    pub extra_percent: u32,
    /// plus this many. Rescues on a connection that is alive may use half of it: the rest is for those in danger.
    pub extra_floor: u32,
    /// Times that one request may be refused unprocessed and sent again. Free of risk, but not of cost. By connections that go away
    /// it may be refused besides, once by each that was there already.
    pub refusals: u32,
    /// Unused connections are closed after this. Below the idle limits of common load balancers would be
    /// safer still, but costs a dial; a connection closed by the peer while idle is noticed anyway.
    pub idle: Span,

    /// A connection this old is drained, so that load follows changed names and new servers; a tenth of it less by chance,
    /// so that they do not all go at once. It waits up to another tenth for its successor.
    pub age: Span,

    /// Silence before the pool asks, at most: the patience where nothing has been learned yet.
    pub patience_max: Span,
    /// The smallest step that timing is trusted to tell apart (`kGranularity`, RFC 9002 section 6.1.2).
    pub granularity: Span,
    /// What a probe's answer may take beyond the path's round trip, because the peer is busy. Measured: a floor
    /// of 10 ms leaves at most 10 false alarms in 10,000 probes of loaded servers. Plays the part of `max_ack_delay`.
    pub allowance: Span,
    /// How far bytes heard may postpone suspicion after asking: a PING ack waits behind large bodies (150 to 400 ms behind a few
    /// of 3 MB at 20 MB/s), but bytes of one response prove nothing about the other direction. Where a caller's timeout
    /// is known, three quarters of that at most.
    pub postpone: Span,
    /// Silence of a connection with a response under way (its head arrived, its body goes on) before the pool
    /// asks. Streams may pause for long and for good reason; nothing that was written is owed.
    pub body_patience: Span,
    /// When all the dials that may be under way have taken this long, the oldest is called off and dialled anew: after an
    /// outage its next SYN may be seconds away, and where a router spreads flows over two paths of which one is dead, one
    /// pool in sixteen has dialled nothing but dead ones. At this pace,
    pub redial: Span,
    /// so many times; then doubled each time until one succeeds.
    pub redials_quick: u32,
    /// Silence of a suspect before it is closed. Four retransmissions (0.2 + 0.4 + 0.8 + 1.6 s on Linux) fit in.
    pub dead_after: Span,
    /// The same for a suspect that is still heard, or whose kernel acknowledges (its peer is stalled), in multiples of
    /// `dead_after` since it became suspect: a body that still flows is let flow for a while, and a stalled peer may go on, but
    /// not for ever, since the requests on it are owed an end.
    pub dead_after_heard: u32,
    /// A tick later than this means that our own process slept, and the silence is measured anew (promise P8).
    pub late: Span,

    /// PINGs between two response heads. gRPC servers tolerate two without data in between and answer the third with
    /// GOAWAY `too_many_pings`. Later questions are asked with SETTINGS.
    pub pings: u32,
    /// The rest between probes when the PINGs are used up: at first this,
    pub probe_rest_min: Span,
    /// then twice as long each time, up to this,
    pub probe_rest_max: Span,
    /// or up to this while something that was given up waits for the proof that gives its stream back (and not beyond the
    /// first rest where half of the streams are taken).
    pub probe_rest_pressed: Span,
    /// After the peer complained of too many: at least this between two probes, doubled with each complaint up to
    /// `probe_rest_max`.
    pub calm: Span,
    /// and halved again with each such time without a complaint.
    pub calm_forget: Span,
    /// Requests given up in a row on one connection, with no response head in between, before it is compared with another.
    pub silent_row: u32,
    /// The rest after a comparison that showed that the origin is slow: at first this,
    pub comparison_min: Span,
    /// then twice as long each time, up to this.
    pub comparison_max: Span,
    /// Stream resets sent at once on one connection. Servers answer about 20 quick ones with GOAWAY
    /// `too_many_resets`.
    pub resets: u32,
    /// Resets since proof last arrived, at most: one lost segment holds all behind it back, and lets them go together.
    pub resets_unproven: u32,
    /// After those, one more reset per this.
    pub reset_interval: Span,

    /// How long those who wait bear it that nothing is open and all dialling is in vain. Each dial has a limit of its own, which is
    /// the glue's; but late dials are called off and dialled anew, so that no dial's limit would be the limit of the wait.
    pub dialling: Span,
    /// A dial that has taken this long gets company: as long as dials are known to take, at least this (RFC 8305
    /// section 5: never below 10 ms),
    pub stagger_min: Span,
    /// and at most this (its recommended Connection Attempt Delay).
    pub stagger_max: Span,
    /// Dials to each address that may fail in a row before those who wait are told so, where one has succeeded before: a
    /// server that restarts is back in less than half a second, often. Where none ever has, the first failure of each tells.
    pub dial_failures: u32,
    /// The wait after a failed dial: at first this, half of it by chance,
    pub backoff_min: Span,
    /// then twice as long each time, up to this.
    pub backoff_max: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            connections_min: 0,
            addresses: 64,
            dials: 4,
            dials_single: 16,
            streams_expected: None,
            waiting: 100_000,
            wait: Span::MAX,
            extra: 3,
            extra_percent: 20,
            extra_floor: 10,
            refusals: 3,
            idle: Span::from_secs(90),
            age: Span::MAX,
            patience_max: Span::from_millis(300),
            granularity: Span::from_millis(1),
            allowance: Span::from_millis(10),
            postpone: Span::from_secs(1),
            body_patience: Span::from_secs(1),
            redial: Span::from_millis(250),
            redials_quick: 8,
            dead_after: Span::from_secs(5),
            dead_after_heard: 6,
            late: Span::from_millis(5),
            pings: 2,
            probe_rest_min: Span::from_millis(100),
            probe_rest_max: Span::from_secs(60),
            probe_rest_pressed: Span::from_secs(1),
            calm: Span::from_secs(1),
            calm_forget: Span::from_secs(600),
            silent_row: 3,
            comparison_min: Span::from_secs(1),
            comparison_max: Span::from_secs(60),
            resets: 10,
            resets_unproven: 15,
            reset_interval: Span::from_millis(10),
            dialling: Span::from_secs(10),
            stagger_min: Span::from_millis(20),
            stagger_max: Span::from_millis(250),
            dial_failures: 6,
            backoff_min: Span::from_millis(20),
            backoff_max: Span::from_secs(1),
        }
    }
}

impl Limits {
    /// These limits, with those raised to the least that works without which the pool could do nothing, or would have to be
    /// woken without end.
    pub(crate) fn workable(mut self) -> Self {
        let moment = Span::from_micros(1);
        self.connections = self.connections.max(1);
        self.addresses = self.addresses.max(1);
        self.dials = self.dials.max(1);
        self.dials_single = self.dials_single.max(1);
        self.dial_failures = self.dial_failures.max(1);
        self.resets = self.resets.max(1);
        self.resets_unproven = self.resets_unproven.max(1);
        for span in [
            &mut self.granularity,
            &mut self.reset_interval,
            &mut self.stagger_min,
            &mut self.redial,
            &mut self.dialling,
            &mut self.idle,
            &mut self.dead_after,
            &mut self.body_patience,
            &mut self.patience_max,
            &mut self.backoff_min,
        ] {
            *span = (*span).max(moment);
        }
        self.stagger_max = self.stagger_max.max(self.stagger_min);
        self.backoff_max = self.backoff_max.max(self.backoff_min);
        self
    }
}

/// The limits by name, as traces write them.
impl Limits {
    /// Sets a limit by name: counts as they are, spans in milliseconds, `none` for an unknown one.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let count = || value.parse::<u32>().map_err(|_| format!("`{value}` is not a count"));
        let span = || value.parse::<Span>().map_err(|_| format!("`{value}` is not a number of milliseconds"));
        match name {
            "connections" => self.connections = count()?,
            "connections_min" => self.connections_min = count()?,
            "addresses" => self.addresses = count()?,
            "dials" => self.dials = count()?,
            "dials_single" => self.dials_single = count()?,
            "streams_expected" if value == "none" => self.streams_expected = None,
            "streams_expected" => self.streams_expected = Some(count()?),
            "waiting" => self.waiting = count()?,
            "wait" => self.wait = span()?,
            "extra" => self.extra = count()?,
            "extra_percent" => self.extra_percent = count()?,
            "extra_floor" => self.extra_floor = count()?,
            "refusals" => self.refusals = count()?,
            "idle" => self.idle = span()?,
            "age" => self.age = span()?,
            "patience_max" => self.patience_max = span()?,
            "granularity" => self.granularity = span()?,
            "allowance" => self.allowance = span()?,
            "postpone" => self.postpone = span()?,
            "body_patience" => self.body_patience = span()?,
            "redial" => self.redial = span()?,
            "redials_quick" => self.redials_quick = count()?,
            "dead_after" => self.dead_after = span()?,
            "dead_after_heard" => self.dead_after_heard = count()?,
            "late" => self.late = span()?,
            "pings" => self.pings = count()?,
            "probe_rest_min" => self.probe_rest_min = span()?,
            "probe_rest_max" => self.probe_rest_max = span()?,
            "probe_rest_pressed" => self.probe_rest_pressed = span()?,
            "calm" => self.calm = span()?,
            "calm_forget" => self.calm_forget = span()?,
            "silent_row" => self.silent_row = count()?,
            "comparison_min" => self.comparison_min = span()?,
            "comparison_max" => self.comparison_max = span()?,
            "resets" => self.resets = count()?,
            "resets_unproven" => self.resets_unproven = count()?,
            "reset_interval" => self.reset_interval = span()?,
            "dialling" => self.dialling = span()?,
            "stagger_min" => self.stagger_min = span()?,
            "stagger_max" => self.stagger_max = span()?,
            "dial_failures" => self.dial_failures = count()?,
            "backoff_min" => self.backoff_min = span()?,
            "backoff_max" => self.backoff_max = span()?,
            _ => return Err(format!("there is no limit called `{name}`")),
        }
        Ok(())
    }

    /// All limits by name.
    pub fn list(&self) -> Vec<(&'static str, String)> {
        vec![
            ("connections", self.connections.to_string()),
            ("connections_min", self.connections_min.to_string()),
            ("addresses", self.addresses.to_string()),
            ("dials", self.dials.to_string()),
            ("dials_single", self.dials_single.to_string()),
            ("streams_expected", self.streams_expected.map_or("none".to_owned(), |count| count.to_string())),
            ("waiting", self.waiting.to_string()),
            ("wait", self.wait.to_string()),
            ("extra", self.extra.to_string()),
            ("extra_percent", self.extra_percent.to_string()),
            ("extra_floor", self.extra_floor.to_string()),
            ("refusals", self.refusals.to_string()),
            ("idle", self.idle.to_string()),
            ("age", self.age.to_string()),
            ("patience_max", self.patience_max.to_string()),
            ("granularity", self.granularity.to_string()),
            ("allowance", self.allowance.to_string()),
            ("postpone", self.postpone.to_string()),
            ("body_patience", self.body_patience.to_string()),
            ("redial", self.redial.to_string()),
            ("redials_quick", self.redials_quick.to_string()),
            ("dead_after", self.dead_after.to_string()),
            ("dead_after_heard", self.dead_after_heard.to_string()),
            ("late", self.late.to_string()),
            ("pings", self.pings.to_string()),
            ("probe_rest_min", self.probe_rest_min.to_string()),
            ("probe_rest_max", self.probe_rest_max.to_string()),
            ("probe_rest_pressed", self.probe_rest_pressed.to_string()),
            ("calm", self.calm.to_string()),
            ("calm_forget", self.calm_forget.to_string()),
            ("silent_row", self.silent_row.to_string()),
            ("comparison_min", self.comparison_min.to_string()),
            ("comparison_max", self.comparison_max.to_string()),
            ("resets", self.resets.to_string()),
            ("resets_unproven", self.resets_unproven.to_string()),
            ("reset_interval", self.reset_interval.to_string()),
            ("dialling", self.dialling.to_string()),
            ("stagger_min", self.stagger_min.to_string()),
            ("stagger_max", self.stagger_max.to_string()),
            ("dial_failures", self.dial_failures.to_string()),
            ("backoff_min", self.backoff_min.to_string()),
            ("backoff_max", self.backoff_max.to_string()),
        ]
    }

    /// Those that differ from the default.
    pub fn changed(&self) -> Vec<(&'static str, String)> {
        let defaults = Self::default().list();
        self.list()
            .into_iter()
            .zip(defaults)
            .filter(|(own, default)| own != default)
            .map(|(own, _)| own)
            .collect()
    }
}

//! A pool's history as text: facts and decisions, one a line. Log, test and replay are the same thing.
//!
//! ```text
//! outlive-trace 1
//! title a dead connection costs one request
//! seed 7
//! set idle 90000
//!      0 > request r1 by 10
//!      0 < dial c1
//!    0.8 > connected c1 x100
//!    0.8 < send r1 c1 a1
//! ```
//!
//! The first column is the time in milliseconds, `>` marks a fact, `<` a decision; `#` starts a comment. A replay ticks
//! exactly when a tick is due, unless the trace says `ticks told`: then it brings its own, late ones and all, as one
//! recorded in the field does.

use core::fmt;
use core::str::FromStr;

use crate::{
    Action, CloseReason, DrainReason, Event, FailReason, Limits, Pool, ProbeKind, Repeat, RequestId, Time,
};

/// The version of the format that this code reads and writes.
const VERSION: &str = "outlive-trace 1";
/// Ticks inserted between two facts, at most: a pool that wants more is stuck, and the replay says so.
const TICKS: usize = 100_000;

/// What one line says happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// The pool was told this.
    Fact(Event),
    /// The pool decided this.
    Decision(Action),
}

/// One line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// When.
    pub at: Time,
    /// What.
    pub entry: Entry,
}

/// Where a trace's ticks come from.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Ticks {
    /// Told whenever one is due, and not written down.
    #[default]
    Due,
    /// Among the facts.
    Told,
}

/// A whole history, with what is needed to repeat it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Trace {
    /// The story in a sentence.
    pub title: String,
    /// The seed of the pool.
    pub seed: u64,
    /// The limits of the pool.
    pub limits: Limits,
    /// Where its ticks come from.
    pub ticks: Ticks,
    /// What happened, in order.
    pub lines: Vec<Line>,
}

/// Where a replay first did something else than its trace says. Either side is `None` where it has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What the trace says.
    pub expected: Option<Line>,
    /// What the pool did.
    pub actual: Option<Line>,
}

impl Trace {
    /// Tells a new pool the facts of this trace, and returns all that happens: the facts and the pool's decisions.
    pub fn replay(&self) -> Vec<Line> {
        let mut pool = Pool::new(self.limits.clone(), self.seed);
        let mut lines = Vec::with_capacity(self.lines.len());
        let facts = self.lines.iter().filter_map(|line| match line.entry {
            Entry::Fact(event) => Some((line.at, event)),
            Entry::Decision(_) => None,
        });
        for (at, event) in facts {
            if self.ticks == Ticks::Due {
                tick_until(&mut pool, at, &mut lines);
            }
            lines.push(Line { at, entry: Entry::Fact(event) });
            tell(&mut pool, at, event, &mut lines);
        }
        // Decisions after the last fact: up to the last time the trace speaks of.
        if let Some(last) = self.lines.last().filter(|_| self.ticks == Ticks::Due) {
            tick_until(&mut pool, last.at + crate::Span::from_micros(1), &mut lines);
        }
        lines
    }

    /// The first difference between what this trace says and what the pool does.
    pub fn check(&self) -> Result<(), Difference> {
        let actual = self.replay();
        for place in 0..actual.len().max(self.lines.len()) {
            let (expected, actual) = (self.lines.get(place).copied(), actual.get(place).copied());
            if expected != actual {
                return Err(Difference { expected, actual });
            }
        }
        Ok(())
    }
}

/// Ticks whenever one is due before `at`. A tick is not written down: it is no news.
fn tick_until(pool: &mut Pool, at: Time, lines: &mut Vec<Line>) {
    for _ in 0..TICKS {
        match pool.deadline().filter(|due| *due < at) {
            Some(due) => tell(pool, due, Event::Tick, lines),
            None => return,
        }
    }
}

fn tell(pool: &mut Pool, at: Time, event: Event, lines: &mut Vec<Line>) {
    let mut actions = Vec::new();
    pool.handle(at, event, &mut actions);
    lines.extend(actions.into_iter().map(|action| Line { at, entry: Entry::Decision(action) }));
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { request, deadline, repeat } => {
                write!(f, "request {request}")?;
                if let Some(at) = deadline {
                    write!(f, " by {at}")?;
                }
                match repeat {
                    Repeat::IfUnprocessed => Ok(()),
                    Repeat::OnSuspicion => f.write_str(" repeatable"),
                    Repeat::WhenLate => f.write_str(" repeatable when-late"),
                }
            }
            Self::Cancel { request } => write!(f, "cancel {request}"),
            Self::Connected { connection, streams, can_probe: true } => {
                write!(f, "connected {connection} x{streams}")
            }
            Self::Connected { connection, streams, can_probe: false } => {
                write!(f, "connected {connection} x{streams} no-probe")
            }
            Self::DialFailed { connection } => write!(f, "dial-failed {connection}"),
            Self::Streams { connection, streams } => write!(f, "streams {connection} x{streams}"),
            Self::Heard { connection, at } => write!(f, "heard {connection} at {at}"),
            Self::Proven { connection, through: None } => write!(f, "proven {connection}"),
            Self::Proven { connection, through: Some(attempt) } => {
                write!(f, "proven {connection} through {attempt}")
            }
            Self::Answered { attempt } => write!(f, "answered {attempt}"),
            Self::Done { attempt } => write!(f, "done {attempt}"),
            Self::Refused { attempt, again: true } => write!(f, "refused {attempt} again"),
            Self::Refused { attempt, again: false } => write!(f, "refused {attempt}"),
            Self::Reset { attempt } => write!(f, "reset {attempt}"),
            Self::Failed { attempt } => write!(f, "failed {attempt}"),
            Self::GoAway { connection, calm: false } => write!(f, "goaway {connection}"),
            Self::GoAway { connection, calm: true } => write!(f, "goaway {connection} calm"),
            Self::Keeps { connection, idle } => write!(f, "keeps {connection} for {idle}"),
            Self::Writable { connection, writable: false } => write!(f, "blocked {connection}"),
            Self::Writable { connection, writable: true } => write!(f, "writable {connection}"),
            Self::Kernel { connection, unacked, retransmits } => {
                write!(f, "kernel {connection} unacked {unacked} retransmits {retransmits}")
            }
            Self::Address { address, known: true } => write!(f, "address {address}"),
            Self::Address { address, known: false } => write!(f, "no-address {address}"),
            Self::Closed { connection } => write!(f, "closed {connection}"),
            Self::Tick => f.write_str("tick"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dial { connection, address: None } => write!(f, "dial {connection}"),
            Self::Dial { connection, address: Some(address) } => write!(f, "dial {connection} {address}"),
            Self::Send { request, attempt, connection } => write!(f, "send {request} {connection} {attempt}"),
            Self::Abandon { attempt } => write!(f, "abandon {attempt}"),
            Self::Probe { connection, by: ProbeKind::Ping } => write!(f, "probe {connection}"),
            Self::Probe { connection, by: ProbeKind::Settings } => write!(f, "probe {connection} settings"),
            Self::Suspect { connection } => write!(f, "suspect {connection}"),
            Self::Clear { connection } => write!(f, "clear {connection}"),
            Self::Drain { connection, why } => write!(f, "drain {connection} {why}"),
            Self::Close { connection, why } => write!(f, "close {connection} {why}"),
            Self::Fail { request, why } => write!(f, "fail {request} {why}"),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Entry::Fact(event) => write!(f, "{:>8} > {event}", self.at),
            Entry::Decision(action) => write!(f, "{:>8} < {action}", self.at),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{VERSION}\ntitle {}\nseed {}", self.title, self.seed)?;
        if self.ticks == Ticks::Told {
            writeln!(f, "ticks told")?;
        }
        for (name, value) in self.limits.changed() {
            writeln!(f, "set {name} {value}")?;
        }
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |line: Option<Line>| line.map_or("nothing more".to_owned(), |line| line.to_string());
        write!(f, "the trace says\n{}\nthe pool did\n{}", text(self.expected), text(self.actual))
    }
}

/// A line that is not part of a trace, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for ParseError {}

impl FromStr for Trace {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut trace = Self::default();
        let mut versioned = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let error = |problem: String| ParseError { line: number + 1, problem };
            if line.is_empty() {
                continue;
            }
            if !versioned {
                versioned = line == VERSION;
                if !versioned {
                    return Err(error(format!("a trace starts with `{VERSION}`")));
                }
                continue;
            }
            trace.read(line).map_err(error)?;
        }
        Ok(trace)
    }
}

impl Trace {
    fn read(&mut self, line: &str) -> Result<(), String> {
        if let Some(title) = line.strip_prefix("title ") {
            self.title = title.trim().to_owned();
            return Ok(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words.as_slice() {
            ["seed", seed] => self.seed = read(seed)?,
            ["ticks", "told"] => self.ticks = Ticks::Told,
            ["set", name, value] => self.limits.set(name, value)?,
            [at, ">", ref fact @ ..] => {
                self.lines.push(Line { at: read(at)?, entry: Entry::Fact(read_fact(fact)?) });
            }
            [at, "<", ref decision @ ..] => {
                self.lines.push(Line { at: read(at)?, entry: Entry::Decision(read_decision(decision)?) });
            }
            _ => return Err(format!("`{line}` is neither a fact nor a decision nor a setting")),
        }
        Ok(())
    }
}

fn read<T: FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` can't be read here"))
}

fn read_count(word: &str) -> Result<u32, String> {
    read(word.strip_prefix('x').ok_or_else(|| format!("`{word}` is not a count like x100"))?)
}

fn read_fact(words: &[&str]) -> Result<Event, String> {
    Ok(match *words {
        ["request", request, ref how @ ..] => read_request(read(request)?, how)?,
        ["cancel", request] => Event::Cancel { request: read(request)? },
        ["connected", c, x] => {
            Event::Connected { connection: read(c)?, streams: read_count(x)?, can_probe: true }
        }
        ["connected", c, x, "no-probe"] => {
            Event::Connected { connection: read(c)?, streams: read_count(x)?, can_probe: false }
        }
        ["dial-failed", c] => Event::DialFailed { connection: read(c)? },
        ["streams", c, x] => Event::Streams { connection: read(c)?, streams: read_count(x)? },
        ["heard", c, "at", at] => Event::Heard { connection: read(c)?, at: read(at)? },
        ["proven", c] => Event::Proven { connection: read(c)?, through: None },
        ["proven", c, "through", a] => Event::Proven { connection: read(c)?, through: Some(read(a)?) },
        ["answered", a] => Event::Answered { attempt: read(a)? },
        ["done", a] => Event::Done { attempt: read(a)? },
        ["refused", a, "again"] => Event::Refused { attempt: read(a)?, again: true },
        ["refused", a] => Event::Refused { attempt: read(a)?, again: false },
        ["reset", a] => Event::Reset { attempt: read(a)? },
        ["failed", a] => Event::Failed { attempt: read(a)? },
        ["goaway", c] => Event::GoAway { connection: read(c)?, calm: false },
        ["goaway", c, "calm"] => Event::GoAway { connection: read(c)?, calm: true },
        ["keeps", c, "for", idle] => Event::Keeps { connection: read(c)?, idle: read(idle)? },
        ["blocked", c] => Event::Writable { connection: read(c)?, writable: false },
        ["writable", c] => Event::Writable { connection: read(c)?, writable: true },
        ["kernel", c, "unacked", unacked, "retransmits", retransmits] => {
            Event::Kernel { connection: read(c)?, unacked: read(unacked)?, retransmits: read(retransmits)? }
        }
        ["address", address] => Event::Address { address: read(address)?, known: true },
        ["no-address", address] => Event::Address { address: read(address)?, known: false },
        ["closed", c] => Event::Closed { connection: read(c)? },
        ["tick"] => Event::Tick,
        _ => return Err(format!("`{}` is no fact", words.join(" "))),
    })
}

fn read_request(request: RequestId, how: &[&str]) -> Result<Event, String> {
    let (deadline, how) = match *how {
        ["by", at, ref rest @ ..] => (Some(read(at)?), rest),
        ref rest => (None, rest),
    };
    let repeat = match *how {
        [] => Repeat::IfUnprocessed,
        ["repeatable"] => Repeat::OnSuspicion,
        ["repeatable", "when-late"] => Repeat::WhenLate,
        _ => return Err(format!("`{}` says nothing about a request", how.join(" "))),
    };
    Ok(Event::Request { request, deadline, repeat })
}

fn read_decision(words: &[&str]) -> Result<Action, String> {
    Ok(match *words {
        ["dial", c] => Action::Dial { connection: read(c)?, address: None },
        ["dial", c, address] => Action::Dial { connection: read(c)?, address: Some(read(address)?) },
        ["send", r, c, a] => Action::Send { request: read(r)?, connection: read(c)?, attempt: read(a)? },
        ["abandon", a] => Action::Abandon { attempt: read(a)? },
        ["probe", c] => Action::Probe { connection: read(c)?, by: ProbeKind::Ping },
        ["probe", c, "settings"] => Action::Probe { connection: read(c)?, by: ProbeKind::Settings },
        ["suspect", c] => Action::Suspect { connection: read(c)? },
        ["clear", c] => Action::Clear { connection: read(c)? },
        ["drain", c, why] => {
            Action::Drain { connection: read(c)?, why: read_reason(why, &DrainReason::ALL)? }
        }
        ["close", c, why] => {
            Action::Close { connection: read(c)?, why: read_reason(why, &CloseReason::ALL)? }
        }
        ["fail", r, why] => Action::Fail { request: read(r)?, why: read_reason(why, &FailReason::ALL)? },
        _ => return Err(format!("`{}` is no decision", words.join(" "))),
    })
}

fn read_reason<R: Copy + fmt::Display>(word: &str, all: &[R]) -> Result<R, String> {
    let found = all.iter().find(|reason| reason.to_string() == word);
    found.copied().ok_or_else(|| format!("`{word}` is no reason"))
}

//! The machines' diagrams in `docs/machines.md`, made from the machines themselves, so that they can't be wrong.
//!
//! Every pair of a state and an input is asked. `BLESS=1 cargo test -p outlive-core --lib diagrams` writes the file anew.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use crate::attempt::{State, Step};
use crate::comparison::{Comparison, Finding, Outcome};
use crate::health::{Health, Sign};
use crate::life::{Life, Turn as LifeTurn};
use crate::request::{Outs, Phase, Turn};
use crate::{AttemptId, ConnectionId, Limits, Span, Time};

/// A machine as an arrow from each state by each input that changes it; inputs that change nothing are named below.
fn diagram<S: Copy + Debug, I: Copy + Debug>(
    title: &str,
    about: &str,
    states: &[S],
    inputs: &[I],
    after: impl Fn(S, I) -> String,
) -> String {
    let mut arrows = BTreeMap::<(usize, String), Vec<String>>::new();
    let mut ignored = String::new();
    for (place, state) in states.iter().enumerate() {
        let mut without_effect = Vec::new();
        for input in inputs {
            let next = after(*state, *input);
            match next == format!("{state:?}") {
                true => without_effect.push(say(input)),
                false => arrows.entry((place, name_of(&next))).or_default().push(say(input)),
            }
        }
        if !without_effect.is_empty() {
            _ = writeln!(ignored, "- in `{}`: {}", name_of(&format!("{state:?}")), without_effect.join(", "));
        }
    }
    let mut text = format!("\n## {title}\n\n{about}\n\n```mermaid\nstateDiagram-v2\n");
    for ((place, next), inputs) in arrows {
        _ = writeln!(
            text,
            "    {} --> {next}: {}",
            name_of(&format!("{:?}", states[place])),
            inputs.join(", ")
        );
    }
    _ = write!(text, "```\n\nWithout effect:\n\n{ignored}");
    text
}

/// The name of a state, without the data it carries.
fn name_of(text: &str) -> String {
    text.split(['(', '{', ' ']).next().unwrap_or_default().to_owned()
}

/// An input with whom it is about: `Head a1`.
fn say(input: &impl Debug) -> String {
    let text = format!("{input:?}").replace("(AttemptId(", " a").replace("(ConnectionId(", " c");
    text.trim_end_matches(')').to_owned()
}

fn all() -> String {
    let mut text = String::from(
        "# The core's machines\n\nMade from the code by a test (`src/diagrams.rs`); an arrow is an input that changes the state.\n",
    );
    text += &diagram(
        "Life of a connection",
        "Whether it takes requests (`src/life.rs`). A connection that has ended is forgotten.",
        &[Life::Dialing, Life::Open, Life::Retiring, Life::Draining],
        &[LifeTurn::Connect, LifeTurn::Age, LifeTurn::Drain],
        |state, input| format!("{:?}", state.after(input)),
    );
    text += &diagram(
        "Health of a connection",
        "What its silence means (`src/health.rs`).",
        &[Health::Alive, Health::Asked, Health::Suspect],
        &[Sign::Ask, Sign::Miss, Sign::Proof],
        |state, input| format!("{:?}", state.after(input)),
    );
    use State::{Abandoned, Answered, Dropping, Ended, Received, Resetting, Sent};
    text += &diagram(
        "An attempt",
        "One sending of a request, as its connection sees it (`src/attempt.rs`). Its stream is free again in `Ended` only.",
        &[Sent, Received, Answered, Abandoned, Resetting, Dropping, Ended],
        &[Step::Proof, Step::Head, Step::GiveUp, Step::Reset, Step::End],
        |state, input| format!("{:?}", state.after(input)),
    );
    let (a, b) = (AttemptId(1), AttemptId(2));
    let one = Outs::one(a);
    text += &diagram(
        "A request",
        "What its caller waits for, and the attempts that are out for it (`src/request.rs`): a1 the first, a2 a rescue.",
        &[
            Phase::Waiting,
            Phase::Out(one),
            Phase::Rescuing(one),
            Phase::Out(one.with(b)),
            Phase::Delivered(a),
        ],
        &[
            Turn::Send(a),
            Turn::Send(b),
            Turn::Wish,
            Turn::Drop,
            Turn::Head(a),
            Turn::Head(b),
            Turn::Lose(a),
            Turn::Lose(b),
        ],
        |state, input| format!("{:?}", state.after(input)),
    );
    let (accused, other, next) = (ConnectionId(1), ConnectionId(2), Span::from_secs(1));
    let limits = Limits::default();
    text += &diagram(
        "A comparison",
        "Stalled, or just slow (`src/comparison.rs`): c1 is silent, c2 is another connection. An answer on c2 during the \
         trial shows that c1 is stalled.",
        &[
            Comparison::Rest { until: Time::ZERO, next },
            Comparison::Search { accused, next },
            Comparison::Trial { accused, other, next },
        ],
        &[
            Finding::Silent(accused),
            Finding::Silent(other),
            Finding::Candidate(other),
            Finding::Answered(accused),
            Finding::Answered(other),
            Finding::Lost(accused),
            Finding::Lost(other),
        ],
        |state, input| {
            let (after, outcome) = state.after(input, Time::ZERO, &limits);
            match outcome {
                Outcome::Open => format!("{after:?}"),
                Outcome::Stalled(_) => format!("{after:?} "),
            }
        },
    );
    text
}

#[test]
#[allow(clippy::disallowed_methods)] // tests may read files and variables
fn diagrams_are_those_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/machines.md");
    let text = all();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).expect("a writable file");
    }
    let written = std::fs::read_to_string(path).expect("docs/machines.md");
    assert!(written == text, "docs/machines.md is not what the code does; BLESS=1 writes it anew");
}

//! A plan in one line, for a human.
//!
//! Invariant: what is as usual is not said.

use std::fmt;

use crate::fault::Fault;

use super::{Method, Pace, Paths, Plan, Script, Server, Setting, Slow, Which};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match (self.requests_planned(), self.stop.for_ms) {
            (Some(requests), Some(ms)) => write!(f, "{requests} requests within {}", time(ms))?,
            (None, Some(ms)) => write!(f, "{}", time(ms))?,
            (_, None) => write!(f, "{} requests", self.stop.requests)?,
        }
        pace(f, &self.pace)?;
        script(f, &self.script, self.cuts_planned())?;
        origin(f, &self.origin)?;
        write!(f, ", seed {}", self.seed)
    }
}

fn pace(f: &mut fmt::Formatter<'_>, pace: &Pace) -> fmt::Result {
    let Pace { workers, rate, timeout_ms, method, think_ms, streaming, busy } = pace;
    if *method == Method::Post {
        write!(f, ", POST")?;
    }
    write!(f, ", {timeout_ms} ms each")?;
    match rate {
        0 => write!(f, ", {workers} at a time")?,
        rate => write!(f, ", {rate} a second whatever becomes of them")?,
    }
    if *think_ms > 0 {
        write!(f, " with pauses of {think_ms} ms")?;
    }
    if *streaming {
        write!(f, ", another response streaming")?;
    }
    if *busy {
        write!(f, ", all processors busy")?;
    }
    Ok(())
}

fn script(f: &mut fmt::Formatter<'_>, script: &Script, planned: Option<u64>) -> fmt::Result {
    let Script { every, fault, which, lasts_ms, timed_out_first, paths, loss_per_mille, delay_ms, .. } =
        script;
    match planned {
        Some(0) => write!(f, ", no cut")?,
        planned => {
            let number = planned.map_or(String::new(), |n| format!("{n} "));
            let cuts = if planned == Some(1) { "cut" } else { "cuts" };
            write!(f, ", {number}{cuts} ({fault}")?;
            match which {
                Which::Random => {}
                Which::Busiest => write!(f, " of the busiest")?,
                Which::All => write!(f, " of all")?,
            }
            if *lasts_ms > 0 {
                write!(f, " for {}", time(*lasts_ms))?;
            }
            write!(f, ", every {every} requests)")?;
        }
    }
    if *timed_out_first {
        write!(f, ", a late answer before each")?;
    }
    if let Some(Paths { dead, of }) = paths {
        write!(f, ", {dead} of {of} paths dead")?;
    }
    if *loss_per_mille > 0 {
        write!(f, ", {} % of packets lost each way", f64::from(*loss_per_mille) / 10.0)?;
    }
    if *delay_ms > 0 || script.jitter_ms > 0 {
        match script.jitter_ms {
            0 => write!(f, ", {delay_ms} ms more each way")?,
            jitter => write!(f, ", {delay_ms} to {} ms more each way", delay_ms + jitter)?,
        }
    }
    if *fault == Fault::Longer {
        write!(f, ", {} ms after a cut", delay_ms + script.longer_ms)?;
    }
    if script.bytes_per_second > 0 {
        write!(f, ", {} kB a second each way", script.bytes_per_second / 1_000)?;
    }
    if script.nat_ms > 0 {
        write!(f, ", a NAT that forgets after {}", time(script.nat_ms))?;
    }
    Ok(())
}

fn origin(f: &mut fmt::Formatter<'_>, origin: &Setting) -> fmt::Result {
    let Setting { server, streams, takes_ms, slow, body, halves, receive_buffer } = origin;
    if *takes_ms > 0 {
        write!(f, ", answers take {takes_ms} ms")?;
    }
    if *body > 0 {
        write!(f, ", answers of {body} bytes")?;
    }
    if *halves {
        write!(f, " and come in two halves")?;
    }
    if let Some(Slow { every, by_ms }) = slow {
        write!(f, ", 1 in {every} answered {by_ms} ms late")?;
    }
    if *receive_buffer > 0 {
        write!(f, ", receive buffers of {receive_buffer} bytes")?;
    }
    match server {
        Server::Hyper => write!(f, ", {streams} streams a connection"),
        Server::Grpc => write!(f, ", a gRPC server"),
    }
}

/// `10 min`, `1.5 s`, `200 ms`.
fn time(ms: u64) -> String {
    match ms {
        60_000.. if ms.is_multiple_of(60_000) => format!("{} min", ms / 60_000),
        1_000.. => format!("{} s", ms as f64 / 1_000.0),
        _ => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        plan::{Overrides, Slow},
        scenario,
    };

    fn check(scenario: &str, changed: Overrides, words: &str) {
        assert_eq!(changed.apply(scenario::plan(scenario).unwrap()).to_string(), words);
    }

    #[test]
    fn reads_well() {
        let slow = Some(Slow { every: 100, by_ms: 50 });
        check(
            "quick",
            Overrides { slow, ..Overrides::default() },
            "quick: 3000 requests, 10 ms each, 1 at a time, 3 cuts (stall, every 1000 requests), \
             1 in 100 answered 50 ms late, 250 streams a connection, seed 63422",
        );
        check(
            "large-bodies",
            Overrides { requests: Some(600), for_ms: Some(2_500), ..Overrides::default() },
            "large-bodies: 600 requests within 2.5 s, 500 ms each, 16 at a time, 1 cut (stall of the busiest, every 1000 \
             requests), answers take 2 ms, answers of 262144 bytes, 250 streams a connection, seed 63422",
        );
        check(
            "open-loop",
            Overrides::default(),
            "open-loop: 9000 requests, 50 ms each, 1000 a second whatever becomes of them, 3 cuts (stall, every 3000 \
             requests), 250 streams a connection, seed 63422",
        );
        check(
            "loss",
            Overrides::default(),
            "loss: 10 min, 2000 ms each, 16 at a time with pauses of 20 ms, no cut, \
             1 % of packets lost each way, answers take 5 ms, 250 streams a connection, seed 63422",
        );
    }
}

//! The warm-up: a few successful requests per worker, all workers at once, so that neither the program's start nor its
//! first dials are in the figures.
//!
//! Invariant: it ends, well or with a `Breach`: each worker has `TRIES` for each success.

use std::{collections::BTreeMap, time::Duration};

use super::Experiment;
use crate::{
    contestant::{Breach, Done},
    record::{Outcome, RequestId, WARM_UP},
};

/// What a request of the warm-up may take: a first dial on a busy machine is not what is measured.
const LIMIT: Duration = Duration::from_secs(5);

/// Successes until a worker is warm. A client that leaves Nagle's algorithm on may wait 40 ms for an acknowledgement on each of
/// the first few requests of a connection.
const SUCCESSES: u32 = 10;

/// How often a worker tries to warm up before the contestant counts as unable to.
const TRIES: u32 = 5;

impl Experiment<'_> {
    /// Returns how many requests it took.
    pub(super) async fn warm_up(&mut self) -> Result<u64, Breach> {
        let mut next = WARM_UP;
        let mut tries = BTreeMap::new();
        for _ in 0..self.plan.pace.workers {
            self.warm_up_request(next).await?;
            tries.insert(next, (1, 0));
            next += 1;
        }
        while !tries.is_empty() {
            let done = self.contestant.answer().await?;
            let (tried, succeeded) = tries.remove(&done.request).unwrap_or((TRIES, 0));
            let then = match done.outcome {
                Outcome::Ok => (1, succeeded + 1),
                _ if tried == TRIES => {
                    return Err(Breach::Cold { tries: tried, last: words(&done) });
                }
                _ => (tried + 1, succeeded),
            };
            if then.1 < SUCCESSES {
                self.warm_up_request(next).await?;
                tries.insert(next, then);
                next += 1;
            }
        }
        if self.stage.strayed() {
            return Err(Breach::Strayed(self.stage.protocol));
        }
        Ok(next - WARM_UP)
    }

    async fn warm_up_request(&mut self, request: RequestId) -> Result<(), Breach> {
        self.go(request, &format!("/w/{request}"), LIMIT).await
    }
}

fn words(done: &Done) -> String {
    match done.outcome {
        Outcome::Timeout => format!("timeout {}", done.detail),
        Outcome::Ok | Outcome::Error => done.detail.clone(),
    }
}

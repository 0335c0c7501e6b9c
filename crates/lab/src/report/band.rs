//! Thousands of requests as a few rectangles.
//!
//! Each pixel stands for its share of the requests; neighbours that say the same become one piece.
//!
//! Invariant: a failure is never rounded away: a pixel with one has `lost` above 0.

use crate::record::Outcome;

/// Pixels `from` to `to`, of whose requests the share `lost` failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) lost: f64,
}

/// How many shares of failure the eye can tell apart in a band.
const STEPS: f64 = 8.0;

/// Requests that never ended leave a gap.
pub(super) fn pieces(outcomes: &[Option<Outcome>], pixels: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for pixel in 0..pixels {
        let Some(lost) = share(requests(outcomes, pixels, pixel)) else { continue };
        match pieces.last_mut() {
            Some(last) if last.to == pixel && last.lost == lost => last.to += 1,
            _ => pieces.push(Piece { from: pixel, to: pixel + 1, lost }),
        }
    }
    pieces
}

/// The requests of one pixel; with fewer requests than pixels, several pixels show one request.
fn requests(outcomes: &[Option<Outcome>], pixels: usize, pixel: usize) -> &[Option<Outcome>] {
    let from = pixel * outcomes.len() / pixels;
    let to = ((pixel + 1) * outcomes.len() / pixels).max(from + 1).min(outcomes.len());
    &outcomes[from.min(to)..to]
}

fn share(outcomes: &[Option<Outcome>]) -> Option<f64> {
    let ended = outcomes.iter().flatten().count();
    let lost = outcomes.iter().flatten().filter(|&&outcome| outcome != Outcome::Ok).count();
    (ended > 0).then(|| (lost as f64 / ended as f64 * STEPS).ceil() / STEPS)
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};
    use crate::record::Outcome;

    const OK: Option<Outcome> = Some(Outcome::Ok);
    const LOST: Option<Outcome> = Some(Outcome::Timeout);

    #[test]
    fn one_failure_in_thousands_is_there() {
        let mut outcomes = vec![OK; 30_000];
        outcomes[15_000] = LOST;
        let expected = [
            Piece { from: 0, to: 50, lost: 0.0 },
            Piece { from: 50, to: 51, lost: 0.125 },
            Piece { from: 51, to: 100, lost: 0.0 },
        ];
        assert_eq!(pieces(&outcomes, 100), expected);
    }

    #[test]
    fn few_requests_are_wide_and_missing_ones_a_gap() {
        assert_eq!(
            pieces(&[OK, None, LOST, LOST], 8),
            [Piece { from: 0, to: 2, lost: 0.0 }, Piece { from: 4, to: 8, lost: 1.0 },]
        );
        assert_eq!(pieces(&[], 8), []);
    }
}

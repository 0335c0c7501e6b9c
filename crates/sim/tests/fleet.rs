//! A small fleet: the same twice, and hardly anything lost.

use outlive_sim::fleet::Fleet;
use outlive_sim::world::MS;

#[test]
fn a_small_fleet_loses_next_to_nothing() {
    let fleet = Fleet { clients: 40, minutes: 3, every: 200 * MS };
    let text = fleet.run(true);
    assert_eq!(text, fleet.run(true));
    let ours = text.lines().find(|line| line.starts_with("outlive")).expect("our line");
    let numbers: Vec<u64> = ours.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let (requests, lost) = (numbers[0], numbers[1]);
    assert!(requests > 30_000 && lost * 1_000 < requests, "{ours}");
}

//! The rivals are modelled well enough to reproduce what was measured on the originals with real sockets.
//!
//! Measured on the experiment of golang/go issue 63422 with one caller and 10 ms: hyper-util never recovers; Go 1.27 loses
//! as many as the server allows streams (250, in 2.6 s); OkHttp recovers after 1.13 s; a keep-alive of 100/100 ms loses 19 to
//! 20; poison on timeout loses one.

use outlive_sim::rivals::Rival;
use outlive_sim::scenarios;
use outlive_sim::simulation::Simulation;
use outlive_sim::table::tally;
use outlive_sim::tally::Tally;
use outlive_sim::world::MS;

fn issue(rival: Rival) -> Tally {
    let world = (scenarios::named("issue-63422").expect("it is there").world)();
    tally(rival, &world, 1)
}

fn per_cut(tally: &Tally) -> u64 {
    tally.lost() / tally.cuts
}

#[test]
fn naive_never_recovers() {
    let naive = issue(Rival::Naive);
    assert_eq!((naive.cuts, naive.dials, naive.recovery.last()), (1, 1, Some(&None)));
    assert!(naive.lost() > 500, "{naive:?}");
}

#[test]
fn go_loses_as_many_as_the_server_allows_streams() {
    let go = issue(Rival::Go);
    assert_eq!((go.cuts, per_cut(&go), go.dials), (3, 250, 4));
}

#[test]
fn okhttp_is_dark_for_a_second() {
    let okhttp = issue(Rival::OkHttp);
    let longest = okhttp.recovery.iter().flatten().max().expect("it recovers") / MS;
    assert!((1000..1200).contains(&longest), "{longest} ms");
}

#[test]
fn keep_alive_takes_its_interval_and_its_timeout() {
    let kept_alive = issue(Rival::KeepAlive(100 * MS, 100 * MS));
    assert!((17..=20).contains(&per_cut(&kept_alive)), "{kept_alive:?}");
}

#[test]
fn poison_loses_one_but_dials_for_every_caller() {
    assert_eq!(per_cut(&issue(Rival::Poison)), 1);
    let world = (scenarios::named("many-connections").expect("it is there").world)();
    let (ours, poison) = (tally(Rival::Outlive, &world, 1), tally(Rival::Poison, &world, 1));
    assert!(poison.dials > 20 * ours.dials, "{} and {} dials", ours.dials, poison.dials);
}

#[test]
fn rivals_live_the_same_history_again() {
    let world = (scenarios::named("many-connections").expect("it is there").world)();
    for rival in Rival::ALL {
        let live = || Simulation::new(&world, rival.policy(&world, 7), 7, None).run().tally;
        assert_eq!(live(), live(), "{}", rival.name());
    }
}

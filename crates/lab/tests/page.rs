//! The live page in a real headless Chromium, by a script of its own: `page/check.py`. `page/install` installs what it needs;
//! without that the test says `skipped`, and why. `NETSPLIT_SHOTS=DIR` keeps screenshots.

mod lab;

use std::process::Command;

use lab::Lab;

/// What the script ends with where there is no browser.
const SKIPPED: i32 = 77;

#[test]
fn a_wire_is_cut_the_loss_is_counted_and_it_is_restored() {
    let lab = Lab::with(&["honest", "stubborn"]);
    let live = lab.live(&["--request-timeout", "500ms", "--think", "20ms", "--workers", "2"]);
    let mut check = Command::new("python3");
    check
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page/check.py"))
        .arg(format!("http://{}/", live.address));
    check.env("PYTHONDONTWRITEBYTECODE", "1").args(std::env::var_os("NETSPLIT_SHOTS"));
    let output = match check.output() {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: python3 can't be started: {error}"),
    };
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => {}
        Some(SKIPPED) => eprintln!("skipped: {} (crates/lab/tests/page/install)", said.trim()),
        _ => panic!("{said}\n{wrong}"),
    }
    assert_eq!(live.end(), Some(130));
}

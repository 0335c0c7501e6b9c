//! The race: rows, rounds, and in each round all contestants, one after the other.
//!
//! Invariants: in a row there is one server for all; in each round somebody else begins; what was measured is written
//! before the next begins.

use std::fs::File;
use std::io::Write as _;

use anyhow::Context as _;

use crate::args::Args;
use crate::contestant::{self, Contestant};
use crate::process::Programs;
use crate::record::{Record, Task};
use crate::report;
use crate::rows::{ROWS, Row};
use crate::servers::{Server, Site};

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.list {
        return list();
    }
    if let Some(directory) = &args.report {
        let records = std::fs::read_to_string(directory.join("records.jsonl"))?;
        let records: Result<Vec<Record>, _> = records.lines().map(serde_json::from_str).collect();
        return report::write(&records?, directory, args.json);
    }
    let rows = chosen(&args.rows, ROWS.iter(), |row, name| row.is_meant_by(name))?;
    let only = chosen(&args.only, contestant::ALL.iter(), |contestant, name| contestant.name() == name)?;
    let site = Site::make()?;
    let programs = Programs::find(&site.files());
    std::fs::create_dir_all(&args.out)?;
    let mut race = Race { args, site, programs, records: Records::create(args)? };
    race.records.add(first_record(args))?;
    for row in rows {
        race.row(row, &only)?;
    }
    report::write(&race.records.all, &args.out, args.json)
}

fn list() -> anyhow::Result<()> {
    for row in &ROWS {
        println!("{:>17}  {}", row.name, row.title);
    }
    let names: Vec<_> = contestant::ALL.iter().map(|contestant| contestant.name()).collect();
    println!("\ncontestants: {}", names.join(", "));
    Ok(())
}

/// Those that were named; all, if none was.
fn chosen<'a, T>(
    names: &[String],
    all: impl Iterator<Item = &'a T> + Clone,
    is: impl Fn(&T, &str) -> bool,
) -> anyhow::Result<Vec<&'a T>> {
    for name in names {
        anyhow::ensure!(all.clone().any(|one| is(one, name)), "there is no {name:?}: see --list");
    }
    Ok(all.filter(|one| names.is_empty() || names.iter().any(|name| is(one, name))).collect())
}

fn first_record(args: &Args) -> Record {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let machine = format!(
        "{cores} cores of {}, Linux {}",
        model.map_or("an unknown CPU", |(_, model)| model),
        kernel.trim()
    );
    let Args { rounds, seconds, warm_up, size, .. } = *args;
    Record::Run { machine, rounds, seconds, warm_up, size_mib: size }
}

struct Race<'a> {
    args: &'a Args,
    site: Site,
    programs: Programs,
    records: Records,
}

impl Race<'_> {
    fn row(&mut self, row: &Row, only: &[&Contestant]) -> anyhow::Result<()> {
        eprintln!("\n{}: {}", row.name, row.title);
        let name = row.name.to_owned();
        let bytes_each = row.bytes_each(self.args.size << 20);
        self.site.resize(bytes_each)?;
        let server = match Server::start(row, &self.site, self.args.own_server) {
            Ok(server) => server,
            Err(error) => {
                let why = format!("{error:#}");
                return self.records.add(Record::Skipped { row: name, contestant: None, why });
            }
        };
        self.records.add(Record::Row { row: name.clone(), server: server.what.clone() })?;
        let mut here = Vec::new();
        for contestant in only.iter().copied().copied() {
            let why = contestant.declines(row).map(String::from).or_else(|| self.programs.lack(contestant));
            match why {
                None => here.push(contestant),
                Some(why) => {
                    let contestant = Some(contestant);
                    self.records.add(Record::Skipped { row: name.clone(), contestant, why })?;
                }
            }
        }
        for round in 0..self.args.rounds {
            for place in 0..here.len() {
                // Odd rounds go backwards, so that nobody always runs after the same other one.
                let place = if round % 2 == 0 { place } else { here.len() - 1 - place };
                let contestant = here[(place + round as usize) % here.len()];
                self.measure(row, round, self.task(row, contestant, &server, bytes_each))?;
            }
        }
        Ok(())
    }

    fn task(&self, row: &Row, contestant: Contestant, server: &Server, bytes_each: u64) -> Task {
        Task {
            contestant,
            wire: row.wire,
            work: row.work,
            address: server.address,
            authority: self.site.certificate(),
            threads: row.threads,
            connections: row.connections,
            seconds: self.args.seconds,
            warm_up: self.args.warm_up,
            bytes_each,
        }
    }

    fn measure(&mut self, row: &Row, round: u32, task: Task) -> anyhow::Result<()> {
        let contestant = task.contestant;
        let record = match self.programs.measure(&task) {
            Ok(measurement) => Record::Measured { row: row.name.into(), round, contestant, measurement },
            Err(error) => {
                let (contestant, why) = (Some(contestant), format!("{error:#}"));
                Record::Skipped { row: row.name.into(), contestant, why }
            }
        };
        self.records.add(record)
    }
}

/// What was found so far, in memory and on disk.
struct Records {
    all: Vec<Record>,
    file: File,
}

impl Records {
    fn create(args: &Args) -> anyhow::Result<Self> {
        let path = args.out.join("records.jsonl");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        Ok(Self { all: Vec::new(), file })
    }

    fn add(&mut self, record: Record) -> anyhow::Result<()> {
        writeln!(self.file, "{}", serde_json::to_string(&record)?)?;
        if let Some(line) = report::progress(&record) {
            eprintln!("{line}");
        }
        self.all.push(record);
        Ok(())
    }
}

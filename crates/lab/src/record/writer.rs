//! Writes the record without getting in the way of what it records.
//!
//! Whoever sees something happen sends a line through a channel and goes on; a thread of its own turns lines into
//! JSON and writes them. It sleeps a little after each batch, so that a sender finds nobody waiting and pays no system
//! call to wake it: on two cores that would be felt at a 10 ms timeout.
//!
//! Invariant: only whole lines are written, in the order in which they were sent, at most `PAUSE` after they were.
//! So whatever ends the process, the file is a valid record of what came before.
//! Next: `reader.rs`, the other end.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::mpsc::{self, Receiver, Sender},
    thread::JoinHandle,
    time::Duration,
};

use super::Record;
use crate::clock::Clock;

const PAUSE: Duration = Duration::from_millis(20);

/// Where everybody sends what they see. Clones are cheap and send to the same file.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    clock: Clock,
    lines: Sender<Message>,
}

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    thread: JoinHandle<io::Result<()>>,
    lines: Sender<Message>,
}

/// What was seen and is written nowhere.
#[derive(Debug)]
pub(crate) struct Unwritten(Receiver<Message>);

enum Message {
    Line(Record),
    /// Hand over everything since the last time.
    Chapter(Sender<Vec<Record>>),
    Finish,
}

/// Creates the file and begins to write. The file must not exist yet: no run overwrites another.
pub(crate) fn create(path: &Path, clock: Clock) -> io::Result<(Recorder, Writer)> {
    let file = File::create_new(path)?;
    let (lines, received) = mpsc::channel();
    let thread = std::thread::Builder::new().name("record".into()).spawn(move || write(file, &received))?;
    Ok((Recorder { clock, lines: lines.clone() }, Writer { thread, lines }))
}

/// No file: what is seen waits until it is taken. Whoever takes it must do so again and again.
pub(crate) fn unwritten(clock: Clock) -> (Recorder, Unwritten) {
    let (lines, received) = mpsc::channel();
    (Recorder { clock, lines }, Unwritten(received))
}

impl Unwritten {
    /// Everything since the last time, in order.
    pub(crate) fn take(&self) -> impl Iterator<Item = Record> {
        self.0.try_iter().filter_map(|message| match message {
            Message::Line(record) => Some(record),
            // There are no chapters where nothing is written.
            Message::Chapter(_) | Message::Finish => None,
        })
    }
}

impl Recorder {
    /// The time to put into a line.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Records. Never blocks; when the writer is gone (a full disk), `Writer::finish` says why.
    pub(crate) fn write(&self, record: Record) {
        _ = self.lines.send(Message::Line(record));
    }

    /// Everything recorded since the last call, once it is written. Blocks for a few milliseconds.
    pub(crate) fn chapter(&self) -> Vec<Record> {
        let (answer, answered) = mpsc::channel();
        _ = self.lines.send(Message::Chapter(answer));
        answered.recv().unwrap_or_default()
    }
}

impl Writer {
    /// Writes what was sent so far and closes the file; lines that come later are lost.
    pub(crate) fn finish(self) -> io::Result<()> {
        _ = self.lines.send(Message::Finish);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the record's writer panicked")))
    }
}

fn write(mut file: File, received: &Receiver<Message>) -> io::Result<()> {
    let mut chapter = Vec::new();
    let mut batch = Vec::new();
    while let Ok(first) = received.recv() {
        let mut waiting = Vec::new();
        let mut finish = false;
        for message in std::iter::once(first).chain(received.try_iter()) {
            match message {
                Message::Line(record) => {
                    serde_json::to_writer(&mut batch, &record)?;
                    batch.push(b'\n');
                    chapter.push(record);
                }
                Message::Chapter(answer) => waiting.push((answer, std::mem::take(&mut chapter))),
                Message::Finish => {
                    finish = true;
                    break;
                }
            }
        }
        file.write_all(&batch)?;
        batch.clear();
        for (answer, chapter) in waiting {
            _ = answer.send(chapter);
        }
        if finish {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Record, create};
    use crate::{clock::Clock, record::reader};

    fn opened(wire: u64) -> Record {
        Record::Opened { at: 0, wire }
    }

    #[test]
    fn chapters_and_the_file_hold_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.jsonl");
        let (recorder, writer) = create(&path, Clock::start()).unwrap();
        for wire in 0..100 {
            recorder.write(opened(wire));
        }
        assert_eq!(recorder.chapter().len(), 100);
        recorder.write(opened(100));
        assert_eq!(recorder.chapter(), [opened(100)]);
        recorder.write(opened(101));
        writer.finish().unwrap();
        let read = reader::read(&path).unwrap();
        assert_eq!(read, (0..102).map(opened).collect::<Vec<_>>());
        recorder.write(opened(102));
        assert!(recorder.chapter().is_empty(), "the writer is gone, and nobody waits for it");
    }

    #[test]
    fn an_old_record_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.jsonl");
        std::fs::write(&path, "").unwrap();
        assert!(create(&path, Clock::start()).is_err());
    }
}

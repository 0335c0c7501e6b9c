//! Standard output: `done` lines from many tasks, through one thread.
//!
//! The thread keeps a slow reader of our output from holding up the runtime, and so the client that is measured. Lines
//! that are there together go out in one write; none waits in the buffer while the queue is empty. The queue needs no
//! limit: it holds one line at most for each `go` that the lab has sent.

use std::io::{BufWriter, Write, stdout};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Where finished requests put their `done` lines.
#[derive(Clone)]
pub(crate) struct Done(Sender<String>);

impl Done {
    pub(crate) fn write(&self, line: String) {
        // Refused only when the thread has gone, and then the process is about to go too.
        let _ = self.0.send(line);
    }
}

/// Starts the thread, with `first` as its first line.
pub(crate) fn start(first: &str) -> Done {
    let (sender, lines) = channel();
    let done = Done(sender);
    done.write(first.to_owned());
    std::thread::spawn(move || {
        if let Err(error) = copy(&lines, BufWriter::new(stdout().lock())) {
            // The lab has gone away: nobody is there to measure for.
            eprintln!("contestant: cannot write standard output: {error}");
            std::process::exit(1);
        }
    });
    done
}

/// Writes lines as they come, until no one is left to send any.
fn copy(lines: &Receiver<String>, mut output: impl Write) -> std::io::Result<()> {
    while let Ok(line) = lines.recv() {
        output.write_all(line.as_bytes())?;
        for line in lines.try_iter() {
            output.write_all(line.as_bytes())?;
        }
        output.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts flushes with a `|`.
    struct Flushes<'a>(&'a mut Vec<u8>);

    impl Write for Flushes<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            self.0.push(b'|');
            Ok(())
        }
    }

    #[test]
    fn lines_that_are_there_together_are_flushed_together() {
        let (sender, lines) = channel();
        for line in ["a\n", "b\n", "c\n"] {
            sender.send(line.to_owned()).unwrap();
        }
        drop(sender);
        let mut written = Vec::new();
        copy(&lines, Flushes(&mut written)).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "a\nb\nc\n|");
    }
}

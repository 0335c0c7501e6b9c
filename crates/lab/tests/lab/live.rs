//! `netsplit live` as a browser has it, and as something worse than a browser: requests as bytes on a socket.
//!
//! Invariant: a lab that is dropped has ended.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdout},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{LIMIT, Lab, wait_for};

/// A lab that serves its page.
pub(crate) struct Live {
    child: Child,
    /// Held open, as a terminal's would be.
    _stdout: BufReader<ChildStdout>,
    /// Host and port.
    pub(crate) address: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Lab {
    /// Starts it, and waits until it can be reached.
    pub(crate) fn live(&self, args: &[&str]) -> Live {
        let mut child = self.command(&[&["live"], args].concat()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
        let Some(address) = address.map(str::to_owned) else {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("no address but `{line}`: {stderr}");
        };
        Live { child, _stdout: stdout, address }
    }
}

impl Live {
    /// Sends these bytes and reads all that comes back. `{host}` is the right host.
    pub(crate) fn send(&self, request: &str) -> Answer {
        let mut socket = self.connect();
        // It may answer and close before it has read all of it.
        _ = socket.write_all(request.replace("{host}", &self.address).as_bytes());
        let mut answer = Vec::new();
        _ = socket.read_to_end(&mut answer);
        Answer::read(&String::from_utf8_lossy(&answer))
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket
    }

    /// A GET as a browser's page sends it.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\n\r\n"))
    }

    /// The token that stands in the page.
    pub(crate) fn token(&self) -> String {
        let page = self.get("/").body;
        let (_, rest) = page.split_once("name=\"netsplit-token\" content=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Does something to a wire, as the page does.
    pub(crate) fn strike(&self, contestant: &str, wire: u64, deed: &str) -> u16 {
        let fields = format!("netsplit-token: {}\r\norigin: http://{{host}}\r\n", self.token());
        self.post(&format!("/api/contestants/{contestant}/wires/{wire}"), &fields, deed).status
    }

    pub(crate) fn post(&self, path: &str, fields: &str, body: &str) -> Answer {
        let length = body.len();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\n{fields}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    /// How a contestant stands.
    pub(crate) fn state(&self, contestant: &str) -> Value {
        let state: Value = serde_json::from_str(&self.get("/api/state").body).unwrap();
        let all = state["contestants"].as_array().unwrap();
        all.iter().find(|one| one["name"] == contestant).unwrap()["now"].clone()
    }

    /// Waits until a contestant stands like that.
    pub(crate) fn wait(&self, what: &str, contestant: &str, good: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || Some(self.state(contestant)).filter(&good))
    }

    /// Ctrl-C; its exit status.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.stop()
    }

    fn stop(&mut self) -> Option<i32> {
        if self.child.try_wait().unwrap().is_none() {
            kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        }
        wait_for("the lab's end", || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }
}

/// Events as they come.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    /// The stream, or the status of the refusal.
    pub(crate) fn open(live: &Live) -> Result<Self, u16> {
        let mut socket = live.connect();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(socket, "GET /api/events HTTP/1.1\r\nhost: {}\r\n\r\n", live.address).unwrap();
        let mut reader = BufReader::new(socket);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.split(' ').nth(1) {
            Some("200") => Ok(Self(reader)),
            status => Err(status.and_then(|status| status.parse().ok()).unwrap_or(0)),
        }
    }

    /// The next event's name and data.
    pub(crate) fn next(&mut self) -> (String, Value) {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream has ended");
            if let Some(word) = line.strip_prefix("event: ") {
                name = word.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (name, serde_json::from_str(data).unwrap());
            }
        }
    }
}

//! The files of the page, which are part of the program.
//!
//! Invariant: the page asks for nothing but these, and what differs from start to start is one token in its head.
//! Next: `page/index.html`, and `page/page.js`, which begins.

use bytes::Bytes;

/// Stands in the page where the token belongs.
const TOKEN: &str = "{token}";

/// One file.
pub(super) struct File {
    path: &'static str,
    pub(super) kind: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [File; 8] = [
    File { path: "/", kind: "text/html; charset=utf-8", text: include_str!("page/index.html") },
    File { path: "/page.css", kind: "text/css; charset=utf-8", text: include_str!("page/page.css") },
    File { path: "/icon.svg", kind: "image/svg+xml", text: include_str!("page/icon.svg") },
    File { path: "/page.js", kind: SCRIPT, text: include_str!("page/page.js") },
    File { path: "/contestant.js", kind: SCRIPT, text: include_str!("page/contestant.js") },
    File { path: "/wires.js", kind: SCRIPT, text: include_str!("page/wires.js") },
    File { path: "/timeline.js", kind: SCRIPT, text: include_str!("page/timeline.js") },
    File { path: "/words.js", kind: SCRIPT, text: include_str!("page/words.js") },
];

/// The file of this path.
pub(super) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

impl File {
    /// Its text; the token is put where it belongs.
    pub(super) fn text(&self, token: &str) -> Bytes {
        if self.text.contains(TOKEN) {
            self.text.replace(TOKEN, token).into()
        } else {
            Bytes::from_static(self.text.as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FILES, TOKEN, file};

    #[test]
    fn the_token_stands_in_one_file_once() {
        let places: usize = FILES.iter().map(|file| file.text.matches(TOKEN).count()).sum();
        assert_eq!(places, 1);
        let page = file("/").unwrap().text("0f");
        assert!(std::str::from_utf8(&page).unwrap().contains("content=\"0f\""));
    }

    /// The policy forbids what stands in the page itself, so a browser would not obey it; and nothing is asked of others.
    #[test]
    fn nothing_inline_and_nothing_from_elsewhere() {
        for file in &FILES {
            for word in ["style=", "onclick", "<style", "innerHTML", "//cdn", "https://", "document.write"] {
                assert!(!file.text.contains(word), "{}: {word}", file.path);
            }
        }
    }
}

//! Strings that a contestant or a server could have chosen, made harmless for where they are to stand.
//!
//! A version, a reason, the words of a GOAWAY: whoever wrote them must not be able to write markup, a terminal's commands, a
//! spreadsheet's formulas, or letters that change the order of those around them.
//!
//! Invariant: what is harmless comes back as it was.

/// Without characters that do something instead of being seen; each becomes a space.
pub(crate) fn plain(words: &str) -> String {
    words.chars().map(|c| if acts(c) { ' ' } else { c }).collect()
}

/// For the text of an element, or an attribute's value in double quotes; HTML and SVG alike.
pub(super) fn markup(words: &str) -> String {
    let mut escaped = String::new();
    for c in words.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if acts(c) => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A Markdown code span of one line: its fence is longer than any in the text.
pub(super) fn code(words: &str) -> String {
    let words = plain(words);
    let longest = words.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{words}`") } else { format!("{fence} {words} {fence}") }
}

/// A field of a CSV line (RFC 4180). Spreadsheets take what begins with one of `=+-@` for a formula; an apostrophe in front
/// makes it text.
pub(super) fn field(words: &str) -> String {
    let words = plain(words);
    let guard = if words.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if words.contains(['"', ',']) || words.starts_with(' ') || words.ends_with(' ') {
        format!("\"{guard}{}\"", words.replace('"', "\"\""))
    } else {
        format!("{guard}{words}")
    }
}

/// Controls, among them a terminal's escape and line ends; and what Unicode has for turning text around.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{code, field, markup, plain};

    #[test]
    fn what_is_harmless_comes_back() {
        let words = "hyper-util 0.1.21 (µs, ≥ ×2)";
        assert_eq!([plain(words), markup(words)], [words, words]);
        assert_eq!(field("hyper-util 0.1.21"), "hyper-util 0.1.21");
    }

    #[test]
    fn nothing_gets_out_of_where_it_stands() {
        assert_eq!(plain("\u{1b}[2Jgone\u{202e}\n"), " [2Jgone  ");
        assert_eq!(
            markup("</style><script>alert('1')</script> & \"x\" onload=\"y"),
            "&lt;/style&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; onload=&quot;y"
        );
        assert_eq!([code("a"), code("a`b"), code("``")], ["`a`", "`` a`b ``", "``` `` ```"]);
        assert_eq!(field("=HYPERLINK(\"http://x\",1)"), "\"'=HYPERLINK(\"\"http://x\"\",1)\"");
        assert_eq!(field("-1+1"), "'-1+1");
    }
}

//! What becomes of a request.

use std::error::Error;

/// How a request ended; the outcomes of a `done` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A 2xx response, its body read to the end within the timeout.
    Ok,
    /// The timeout passed first, and the request was given up.
    Timeout,
    /// Anything else; the text goes into the `done` line.
    Error(String),
}

impl Outcome {
    /// The outcome for a client's error: its message and those of its sources, outermost first.
    pub fn error(error: &(dyn Error + 'static)) -> Self {
        let messages: Vec<_> =
            std::iter::successors(Some(error), |error| (*error).source()).map(ToString::to_string).collect();
        Self::Error(messages.join(": "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl std::fmt::Display for Layer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    #[test]
    fn an_error_tells_its_sources() {
        let error = Layer("client error", Some(Box::new(Layer("connection reset", None))));
        assert_eq!(Outcome::error(&error), Outcome::Error("client error: connection reset".to_owned()));
    }
}

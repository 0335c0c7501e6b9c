//! One attempt in its owner's hands: what the request's future polls until the response's head is there.
//!
//! Invariant: a [`Fault`] claims that a request was not processed only on proof: hyper gave the message back, or
//! the peer said so (RFC 9113 section 8.7). Next: [`crate::response_future`], which polls it.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};
use http::response::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use outlive_core::AttemptId;

use crate::error::ErrorKind;
use crate::expect::{Gate, Hold};
use crate::head_limits::HeadLimits;
use crate::informational::Relay;
use crate::meter::Gauge;
use crate::offence::Offence;
use crate::outgoing::{BoxError, Outgoing};
use crate::upgrade::Tunnel;
use crate::upload::Upload;
use crate::vet::{self, Ask};

/// An attempt, and the means to follow it.
pub(crate) struct Sending {
    pub(crate) attempt: AttemptId,
    wire: Wire,
    gauge: Arc<Gauge>,
    ask: Ask,
    /// How many fields its response's head and trailers may have each.
    most_fields: u32,
    /// The body waits for the server's word. Boxed, as what is rare below: an attempt goes from hand to hand.
    hold: Option<Box<Hold>>,
    /// How many informational responses may still come, where this side counts them.
    informational: u32,
    /// HTTP/2: the connection's unclear heads when it was sent. As long as they are as many, no informational response has come.
    /// `None` if somebody waits for one.
    unclear: Option<u32>,
}

type Http1Response =
    Pin<Box<dyn Future<Output = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>> + Send>>;

pub(crate) enum Wire {
    /// With what carries informational responses to whoever wants them, and the gate at which a body waits that is held back.
    Http1 { response: Http1Response, relay: Option<Arc<Relay>>, gate: Option<Gate> },
    /// With the request's body, or with the sending half of what may become a tunnel.
    Http2 {
        response: h2::client::ResponseFuture,
        upload: Option<Box<Upload>>,
        tunnel: Option<Box<SendStream<Bytes>>>,
    },
}

/// A response's head, and the means to read the rest.
pub(crate) struct Answer {
    pub(crate) head: Parts,
    pub(crate) rest: Rest,
    /// How many fields its trailers may have.
    pub(crate) most_fields: u32,
    /// The request's body was held back, and will not be sent.
    pub(crate) withheld: bool,
}

/// What follows a response's head.
pub(crate) enum Rest {
    /// Its body, with what its connection's meter has noted.
    Http1(Incoming, Arc<Gauge>),
    /// Its body, with the rest of the request's body, if that is still on its way.
    Http2(RecvStream, Option<Box<Upload>>),
    /// Something that is no message.
    Tunnel(Tunnel),
}

/// What is known of the response's head.
enum Come {
    /// It has not come.
    Nothing,
    Unknown,
}

/// Why an attempt failed.
pub(crate) struct Fault {
    pub(crate) fact: Fact,
    /// The blame, should the pool know no more than that it failed.
    pub(crate) kind: ErrorKind,
    pub(crate) source: BoxError,
}

/// What the pool is to be told of it.
pub(crate) enum Fact {
    /// Nothing of it was written; here is its body.
    Unwritten(Outgoing),
    /// The peer says that it did not process it.
    Refused,
    /// The same, and the peer takes no new streams.
    GoneAway,
    /// The peer reset its stream, and found no fault with it.
    Reset,
    /// It alone failed.
    Failed,
    /// It failed, and nothing else can be sent where it was.
    Spoiled,
    /// The caller can't go on with it.
    GivenUp,
    /// Its connection did.
    ConnectionLost,
}

impl Sending {
    pub(crate) fn new(
        attempt: AttemptId,
        wire: Wire,
        gauge: Arc<Gauge>,
        ask: Ask,
        limits: HeadLimits,
        unclear: Option<u32>,
    ) -> Self {
        Self {
            attempt,
            wire,
            gauge,
            ask,
            most_fields: limits.fields(),
            hold: None,
            informational: limits.informational,
            unclear,
        }
    }

    /// Holds the body back until the server says `100 Continue`, for this long at most.
    pub(crate) fn hold(&mut self, wait: Duration) {
        let gate = match &self.wire {
            Wire::Http1 { gate, .. } => gate.clone(),
            Wire::Http2 { .. } => None,
        };
        self.hold = Some(Box::new(Hold::new(wait, gate)));
    }

    /// Polls for the response's head, and sends the request's body meanwhile. `body` gives that away, once; `tell` is told of
    /// informational responses.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        body: impl FnOnce() -> Option<Outgoing>,
        tell: impl Fn(&Response<()>),
    ) -> Poll<Result<Answer, Fault>> {
        if self.hold.as_mut().is_some_and(|hold| hold.poll_waited(cx).is_ready()) {
            self.release();
        }
        let come = self.poll_informational(cx, &tell)?;
        match &mut self.wire {
            Wire::Http1 { response, .. } => {
                let answer = ready!(response.as_mut().poll(cx));
                // Some may have come together with it.
                self.poll_informational(cx, &tell)?;
                let answer = answer.map_err(Fault::unanswered_http1)?;
                vet::http1(self.ask, &answer, self.most_fields).map_err(Fault::spoiled)?;
                Poll::Ready(Ok(self.http1(answer)))
            }
            Wire::Http2 { response, upload, tunnel } => {
                // Whoever waits for an informational response is woken by any: there is none, and no other (each look takes
                // h2's lock and leaves a waker).
                let answer = match come {
                    Come::Nothing => Poll::Pending,
                    Come::Unknown => Pin::new(response).poll(cx),
                };
                if let Poll::Ready(answer) = answer {
                    let (upload, tunnel) = (upload.take(), tunnel.take());
                    let answer = answer.map_err(Fault::http2)?;
                    vet::fields(answer.headers(), self.most_fields).map_err(Fault::offence)?;
                    return Poll::Ready(Ok(self.http2(answer, upload, tunnel)));
                }
                if self.hold.is_some() {
                    return Poll::Pending;
                }
                if let Some(Poll::Ready(end)) = upload.as_mut().map(|upload| upload.poll(cx, body)) {
                    *upload = None;
                    end.map_err(Fault::body)?;
                }
                Poll::Pending
            }
        }
    }

    fn http1(&mut self, mut response: Response<Incoming>) -> Answer {
        let upgrade = self.ask.tunnels(response.status()).then(|| hyper::upgrade::on(&mut response));
        let (head, body) = response.into_parts();
        let rest = match upgrade {
            None => Rest::Http1(body, Arc::clone(&self.gauge)),
            Some(upgrade) => Rest::Tunnel(Tunnel::Http1(upgrade)),
        };
        self.answer(head, rest)
    }

    fn http2(
        &mut self,
        response: Response<RecvStream>,
        upload: Option<Box<Upload>>,
        tunnel: Option<Box<SendStream<Bytes>>>,
    ) -> Answer {
        let (head, body) = response.into_parts();
        let rest = match tunnel {
            None => Rest::Http2(body, upload.filter(|_| self.hold.is_none())),
            Some(send) if self.ask.tunnels(head.status) => Rest::Tunnel(Tunnel::Http2(*send, body)),
            Some(mut send) => {
                // There is nothing to say to a server that declines. It fails only if the stream has ended anyway.
                _ = send.send_data(Bytes::new(), true);
                Rest::Http2(body, None)
            }
        };
        self.answer(head, rest)
    }

    fn answer(&mut self, head: Parts, rest: Rest) -> Answer {
        let withheld = self.hold.take().is_some();
        Answer { head, rest, most_fields: self.most_fields, withheld }
    }

    fn release(&mut self) {
        if let Some(hold) = self.hold.take() {
            hold.release();
        }
    }

    /// Takes all informational responses that have come, and says what that shows of the final one.
    fn poll_informational(
        &mut self,
        cx: &mut Context<'_>,
        tell: impl Fn(&Response<()>),
    ) -> Result<Come, Fault> {
        match &mut self.wire {
            Wire::Http1 { relay: None, .. } => Ok(Come::Unknown),
            Wire::Http1 { relay, .. } => {
                for response in relay.as_ref().map_or(Vec::new(), |relay| relay.take(cx)) {
                    self.inform(&response, &tell);
                }
                Ok(Come::Unknown)
            }
            // Nearly always. (One that comes after this look, with its final response right behind it, is skipped: nobody waits for
            // it. Nor is it counted; all that come in time to be a flood are.)
            Wire::Http2 { .. } if self.unclear == Some(self.gauge.unclear_heads()) => Ok(Come::Unknown),
            Wire::Http2 { response, .. } => {
                let mut come = Vec::new();
                let last = loop {
                    let next = response.poll_informational(cx);
                    let Poll::Ready(Some(Ok(informational))) = next else { break next };
                    let may_come = self.informational > 0;
                    self.informational = self.informational.saturating_sub(1);
                    let offence = match informational.status() {
                        // Not in HTTP/2 (RFC 9113 section 8.6).
                        StatusCode::SWITCHING_PROTOCOLS => Offence::Switch,
                        _ if !may_come => Offence::Informational,
                        _ => {
                            come.push(informational);
                            continue;
                        }
                    };
                    self.gauge.offend(offence);
                    return Err(Fault {
                        fact: Fact::ConnectionLost,
                        kind: ErrorKind::Peer,
                        source: offence.into(),
                    });
                };
                come.iter().for_each(|response| self.inform(response, &tell));
                Ok(if last.is_pending() { Come::Nothing } else { Come::Unknown })
            }
        }
    }

    fn inform(&mut self, response: &Response<()>, tell: impl Fn(&Response<()>)) {
        if response.status() == StatusCode::CONTINUE {
            self.release();
        }
        tell(response);
    }
}

impl Fault {
    /// The request's own body failed.
    pub(crate) fn body(source: BoxError) -> Self {
        Self { fact: Fact::GivenUp, kind: ErrorKind::Body, source }
    }

    /// The response can't be used.
    pub(crate) fn offence(offence: Offence) -> Self {
        Self { fact: Fact::Failed, kind: ErrorKind::Peer, source: offence.into() }
    }

    /// The response can't be used, nor what comes after it on the connection (HTTP/1.1).
    fn spoiled(offence: Offence) -> Self {
        Self { fact: Fact::Spoiled, ..Self::offence(offence) }
    }

    /// Before the response's head.
    fn http2(error: h2::Error) -> Self {
        let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        let (fact, kind) = if error.is_io() {
            (Fact::ConnectionLost, ErrorKind::Lost)
        } else if error.is_go_away() && error.is_remote() {
            // h2 says this of streams above the GOAWAY's last one, whatever its code; of others it says `is_io`.
            (Fact::GoneAway, ErrorKind::Refused)
        } else if error.is_go_away() {
            // The peer broke the protocol, on whichever stream: all streams suffer.
            (Fact::ConnectionLost, ErrorKind::Peer)
        } else if refused && error.is_remote() {
            (Fact::Refused, ErrorKind::Refused)
        } else if error.is_remote() && error.reason().is_some_and(is_blameless) {
            (Fact::Reset, ErrorKind::Peer)
        } else {
            (Fact::Failed, ErrorKind::Peer)
        };
        Self { fact, kind, source: error.into() }
    }

    /// After the response's head: whoever answers has processed the request, whatever it says later.
    pub(crate) fn http2_body(error: h2::Error) -> Self {
        let fault = Self::http2(error);
        match fault.fact {
            Fact::Refused | Fact::GoneAway | Fact::Reset => {
                Self { fact: Fact::Failed, kind: ErrorKind::Peer, ..fault }
            }
            Fact::Unwritten(_) | Fact::Failed | Fact::Spoiled | Fact::GivenUp | Fact::ConnectionLost => fault,
        }
    }

    fn unanswered_http1(mut error: TrySendError<Request<Outgoing>>) -> Self {
        match error.take_message() {
            Some(request) => {
                let fact = Fact::Unwritten(request.into_body().ungated());
                Self { fact, kind: ErrorKind::Lost, source: error.into_error().into() }
            }
            None => Self::http1(error.into_error()),
        }
    }

    pub(crate) fn http1(error: hyper::Error) -> Self {
        let (fact, kind) = if error.is_user() {
            (Fact::Failed, ErrorKind::Body)
        } else if error.is_parse() || is_nonsense(&error) {
            (Fact::Spoiled, ErrorKind::Peer)
        } else {
            (Fact::ConnectionLost, ErrorKind::Lost)
        };
        Self { fact, kind, source: error.into() }
    }

    /// After the response's head; `short` if what is missing was announced, and the peer has closed in good order.
    pub(crate) fn http1_body(error: hyper::Error, short: bool) -> Self {
        let fault = Self::http1(error);
        match fault.fact {
            Fact::ConnectionLost if short => Self::spoiled(Offence::Short),
            _ => fault,
        }
    }
}

/// Whether a stream that is reset with this code before its response may fare better next time: what servers and proxies say that
/// go away, or whose handler failed. The other codes find fault with how we speak HTTP/2, or with how much we ask. Codes that nobody
/// knows are like `INTERNAL_ERROR` (RFC 9113 section 7).
fn is_blameless(code: Reason) -> bool {
    ![
        Reason::PROTOCOL_ERROR,
        Reason::FLOW_CONTROL_ERROR,
        Reason::SETTINGS_TIMEOUT,
        Reason::STREAM_CLOSED,
        Reason::FRAME_SIZE_ERROR,
        Reason::COMPRESSION_ERROR,
        Reason::ENHANCE_YOUR_CALM,
        Reason::INADEQUATE_SECURITY,
        Reason::HTTP_1_1_REQUIRED,
    ]
    .contains(&code)
}

/// Whether hyper could not make sense of a body's chunks, which it says in the words of I/O. Of transports only TLS uses these
/// words, where the peer broke that.
fn is_nonsense(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| {
        matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
    })
}

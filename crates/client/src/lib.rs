//! An HTTP/1.1 and HTTP/2 client whose requests outlive their connections.
//!
//! A connection can die without a sign: no FIN, no RST, only silence. Most HTTP/2 clients keep giving such a
//! connection new requests, and lose every one of them. This one asks for proof of life when an answer is late,
//! sends new requests elsewhere when no proof comes, and never mistakes a slow server for a dead connection.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = outlive::Client::new();
//! let response = client.get("https://example.com/").send().await?.error_for_status()?;
//! println!("{}", response.text().await?);
//! # Ok(())
//! # }
//! ```
//!
//! [`Client::get`] and its like are the front door; [`Client::request`] takes any [`http::Request`]; and the client is a tower
//! service, so that layers go around it ([`Front`] is the front door of such a stack). An [`Error`] says who is to
//! blame, whether the request was sent, and what was tried. [`Client::pool`] shows the connections, an [`Observer`] is told what
//! happens to them, and [`Client::shutdown`] ends the client without losing a request.
//!
//! # Features
//!
//! | feature | what for | default |
//! |---|---|---|
//! | `json` | `RequestBuilder::json`, `Response::json` | yes |
//! | `form` | `RequestBuilder::query`, `RequestBuilder::form` | yes |
//! | `charset` | `Response::text` knows charsets beside UTF-8 | |
//! | `url` | `url::Url` is taken where a URL is | |
//! | `serde` | a [`PoolSnapshot`] can be serialized | with `json` |
//! | `tracing` | `TracingObserver`: spans of requests, events of connections | |
//! | `metrics` | `MetricsObserver`: the `metrics` crate | |
//! | `opentelemetry` | `OpenTelemetryObserver`: OpenTelemetry's metrics; `OpenTelemetrySpans`: its traces | |
//! | `hickory` | `Hickory`: a resolver that asks DNS servers itself; needs Rust 1.88 | |
//! | `webpki-roots` | `Builder::bundled_roots`: Mozilla's certificate authorities, compiled in | |
//!
//! A request's way through this crate: [`Client`] finds the origin and puts the head in order (`head`); the future
//! (`response_future`) opens a `ticket` with the `origin`, which tells the pool (`outlive_core`) the fact and carries
//! out its decision under the same lock: the attempt is on its `connection` before the lock is free. The answer comes
//! straight back from the connection; the pool hears of it.

mod attempt;
mod body;
mod builder;
mod chatter;
mod client;
mod clock;
mod connect;
mod connection;
mod deadline;
mod error;
mod expect;
mod frames;
mod front;
mod head;
mod head_limits;
mod informational;
mod kernel;
mod meter;
mod name;
mod offence;
mod origin;
mod outgoing;
mod pool_limits;
mod proxies;
mod reason;
mod rescue;
mod resolve;
mod response_body;
mod response_future;
mod seeing;
mod sending;
mod settings;
mod shutdown;
mod ticket;
mod tls;
mod upgrade;
mod upload;
mod upload_task;
mod vet;

pub use attempt::{Attempt, Attempts, Fate};
pub use body::Body;
pub use builder::Builder;
pub use client::Client;
pub use connect::{Carrier, Connect, Connecting, Destination, Transport};
pub use connection::TcpKeepalive;
pub use deadline::{RequestTimeout, Timeouts};
pub use error::{Error, ErrorKind, Phase, Sent};
pub use expect::ContinueWait;
pub use front::{Front, IntoUrl, RequestBuilder, Response};
pub use informational::OnInformational;
pub use kernel::{Kernel, Silence};
pub use name::OriginName;
pub use outgoing::BoxError;
pub use proxies::{Proxies, Proxy};
pub use reason::Reason;
pub use rescue::{Idempotent, Rescue};
#[cfg(feature = "hickory")]
pub use resolve::Hickory;
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use response_body::ResponseBody;
pub use response_future::ResponseFuture;
#[cfg(feature = "metrics")]
pub use seeing::MetricsObserver;
#[cfg(feature = "tracing")]
pub use seeing::TracingObserver;
pub use seeing::{
    ConnectionSnapshot, Course, Event, Health, How, Observer, OriginSnapshot, PoolSnapshot, Standing, State,
};
#[cfg(feature = "opentelemetry")]
pub use seeing::{OpenTelemetryObserver, OpenTelemetrySpans};
pub use settings::Protocol;
pub use shutdown::Leftovers;
pub use upgrade::{ConnectProtocol, Upgraded, upgrade};

//! A request that is being built.
//!
//! Invariant: the first thing that is wrong is kept, and told by [`RequestBuilder::send`]. Next: [`super::response`].

use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use tower_service::Service;

use super::response::Response;
use super::url::IntoUrl;
use crate::body::Body;
use crate::deadline::{RequestTimeout, Timeouts};
use crate::error::{Error, ErrorKind, Sent, Source};
use crate::outgoing::BoxError;
use crate::rescue::{Idempotent, Rescue};

/// A request that is being built; made by [`Client::get`](crate::Client::get) and its like.
#[must_use = "nothing is sent before `send`"]
pub struct RequestBuilder<S = crate::Client> {
    service: S,
    request: Result<Request<Body>, Error>,
}

impl<S> RequestBuilder<S> {
    pub(super) fn new(service: S, method: Method, url: impl IntoUrl) -> Self {
        let request = url.into_uri().map(|uri| {
            let mut request = Request::new(Body::empty());
            (*request.method_mut(), *request.uri_mut()) = (method, uri);
            request
        });
        Self { service, request }
    }

    fn with(mut self, change: impl FnOnce(&mut Request<Body>) -> Result<(), Error>) -> Self {
        self.request = self.request.and_then(|mut request| change(&mut request).map(|()| request));
        self
    }

    /// Adds an extension, in place of one of the same type: one of this crate's that has no method here
    /// ([`OnInformational`](crate::OnInformational), [`ContinueWait`](crate::ContinueWait),
    /// [`ConnectProtocol`](crate::ConnectProtocol)), or a layer's.
    pub fn extension<T: Clone + Send + Sync + 'static>(self, extension: T) -> Self {
        self.with(|request| {
            request.extensions_mut().insert(extension);
            Ok(())
        })
    }

    /// Adds a header, beside those of the same name.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        self.with(|request| {
            let name = name.try_into().map_err(|error| Error::request(error.into()))?;
            let value = value.try_into().map_err(|error| Error::request(error.into()))?;
            request.headers_mut().append(name, value);
            Ok(())
        })
    }

    /// Sets these headers, in place of those of the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|request| {
            let mut name = None;
            for (next, value) in headers {
                // A name stands only before the first of its values.
                if let Some(next) = next {
                    request.headers_mut().remove(&next);
                    name = Some(next);
                }
                if let Some(name) = &name {
                    request.headers_mut().append(name, value);
                }
            }
            Ok(())
        })
    }

    /// Adds these pairs to the query, encoded as forms are (`application/x-www-form-urlencoded`): a struct, a map, or a
    /// slice of pairs.
    #[cfg(feature = "form")]
    pub fn query<T: serde::Serialize + ?Sized>(self, pairs: &T) -> Self {
        self.with(|request| {
            let added = serde_html_form::to_string(pairs).map_err(Error::request)?;
            if added.is_empty() {
                return Ok(());
            }
            let uri = request.uri();
            let query = match uri.query() {
                None | Some("") => added,
                Some(query) => format!("{query}&{added}"),
            };
            let mut parts = uri.clone().into_parts();
            let path_and_query = format!("{}?{query}", uri.path()).parse().map_err(Error::request)?;
            parts.path_and_query = Some(path_and_query);
            *request.uri_mut() = http::Uri::from_parts(parts).map_err(Error::request)?;
            Ok(())
        })
    }

    /// Sends this as JSON, and says so (`Content-Type`), unless that header was set before.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(self, value: &T) -> Self {
        self.with(|request| {
            let json = serde_json::to_vec(value).map_err(Error::request)?;
            fill(request, json.into(), "application/json");
            Ok(())
        })
    }

    /// Sends these pairs as a form, and says so (`Content-Type`), unless that header was set before.
    #[cfg(feature = "form")]
    pub fn form<T: serde::Serialize + ?Sized>(self, pairs: &T) -> Self {
        self.with(|request| {
            let form = serde_html_form::to_string(pairs).map_err(Error::request)?;
            fill(request, form.into(), "application/x-www-form-urlencoded");
            Ok(())
        })
    }

    /// The body. One in memory, or made by [`Body::repeat_with`], can be sent again when its connection dies.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|request| {
            *request.body_mut() = body.into();
            Ok(())
        })
    }

    /// `Authorization: Bearer` (RFC 6750), marked as sensitive.
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        self.authorization(format!("Bearer {token}"))
    }

    /// `Authorization: Basic` (RFC 7617), in UTF-8, marked as sensitive.
    pub fn basic_auth(self, user: impl fmt::Display, password: Option<impl fmt::Display>) -> Self {
        let password = password.map_or(String::new(), |password| password.to_string());
        self.authorization(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
    }

    fn authorization(self, value: String) -> Self {
        self.with(|request| {
            let mut value = HeaderValue::try_from(value).map_err(Error::request)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
            Ok(())
        })
    }

    /// From the first poll of [`RequestBuilder::send`] to the end of the response's body: [`RequestTimeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        self.extension(RequestTimeout(timeout))
    }

    /// The timeouts by phase, in place of all of the client's.
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.extension(timeouts)
    }

    /// When it is sent again, in place of the client's choice.
    pub fn rescue(self, rescue: Rescue) -> Self {
        self.extension(rescue)
    }

    /// Whether it may be processed more than once, whatever its method and headers say.
    pub fn idempotent(self, says: bool) -> Self {
        self.extension(Idempotent(says))
    }

    /// The request, to be sent by other means.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn build(self) -> Result<Request<Body>, Error> {
        self.request
    }

    /// Sends it; ready when the head of the response has arrived. Dropping the future gives the request up.
    ///
    /// # Errors
    ///
    /// What is wrong with the request, or what went wrong. An error of a layer around the client is the source of one of kind
    /// [`ErrorKind::Layer`]. A status such as 404 is no error: see [`Response::error_for_status`].
    pub async fn send<B>(self) -> Result<Response<B>, Error>
    where
        S: Service<Request<Body>, Response = http::Response<B>>,
        S::Error: Into<BoxError>,
    {
        let Self { mut service, request } = self;
        let request = request?;
        let uri = request.uri().clone();
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(of_layer)?;
        let response = service.call(request).await.map_err(of_layer)?;
        Ok(Response::new(response, uri))
    }
}

#[cfg(any(feature = "json", feature = "form"))]
fn fill(request: &mut Request<Body>, body: Body, content_type: &'static str) {
    *request.body_mut() = body;
    let headers = request.headers_mut();
    headers.entry(http::header::CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
}

/// Ours as it is, another one as a layer's.
fn of_layer(error: impl Into<BoxError>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => Error::new(ErrorKind::Layer, Sent::Maybe).because(Source::Own(error)),
    }
}

impl<S> fmt::Debug for RequestBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder").field("request", &self.request).finish_non_exhaustive()
    }
}

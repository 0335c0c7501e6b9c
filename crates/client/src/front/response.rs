//! A response, and what callers make of its body.
//!
//! Invariant: a limit that was set is kept before memory is taken beyond it. Next: [`crate::ResponseBody`].

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{Extensions, HeaderMap, StatusCode, Uri, Version};
use http_body::Body;
use http_body_util::{BodyDataStream, BodyExt as _};

use crate::attempt::{Attempt, Attempts};
use crate::error::{Error, ErrorKind, Sent, Source};
use crate::name::OriginName;
use crate::outgoing::BoxError;
use crate::response_body::ResponseBody;

/// A response: its head, and its body still to come. Dropping it gives the rest up.
pub struct Response<B = ResponseBody> {
    response: http::Response<B>,
    /// Unknown where it was made from an [`http::Response`].
    uri: Option<Uri>,
    limit: Option<usize>,
}

impl<B> Response<B> {
    pub(super) fn new(response: http::Response<B>, uri: Uri) -> Self {
        Self { response, uri: Some(uri), limit: None }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The version of HTTP it came over.
    pub fn version(&self) -> Version {
        self.response.version()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// What the client, and layers around it, have to say beside.
    pub fn extensions(&self) -> &Extensions {
        self.response.extensions()
    }

    /// The URI that was asked for, unless this was made from an [`http::Response`]. (A layer may have followed redirects.)
    pub fn uri(&self) -> Option<&Uri> {
        self.uri.as_ref()
    }

    /// The sendings of the request, oldest first, if there was more than one: it was sent again or rescued.
    pub fn attempts(&self) -> &[Attempt] {
        self.extensions().get().map_or(&[], |Attempts(attempts)| attempts)
    }

    /// How long the body is, as the server has announced (`Content-Length`), or as is known from the body itself.
    pub fn content_length(&self) -> Option<u64>
    where
        B: Body,
    {
        let announced =
            self.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        self.response.body().size_hint().exact().or(announced)
    }

    /// Makes an error of a status from 400 on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Status`].
    pub fn error_for_status(self) -> Result<Self, Error> {
        let status = self.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(self.error(ErrorKind::Status(status), None));
        }
        Ok(self)
    }

    /// The most bytes that [`Response::bytes`], [`Response::text`] and [`Response::json`] read before they fail with
    /// [`ErrorKind::TooLarge`]. Default: no limit, so set one where the server is not trusted.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// The body, with trailers.
    pub fn into_body(self) -> B {
        self.response.into_body()
    }

    /// An error about this response.
    fn error(&self, kind: ErrorKind, source: Option<BoxError>) -> Error {
        let mut error = Error::new(kind, Sent::Maybe).after(self.attempts().to_vec());
        if let Some(uri) = &self.uri {
            error = error.about(uri.clone());
            if let Ok(name) = OriginName::of(uri) {
                error = error.at(&name);
            }
        }
        error.because(source.map(Source::Own))
    }
}

/// The body, read.
impl<B> Response<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// The whole body.
    ///
    /// # Errors
    ///
    /// What went wrong on the way; [`ErrorKind::TooLarge`] beyond [`Response::limit`].
    pub async fn bytes(self) -> Result<Bytes, Error> {
        self.read().await.map(|(bytes, _)| bytes)
    }

    /// The whole body as text. With feature `charset` in the charset that `Content-Type` names, UTF-8 where it names none;
    /// without, always UTF-8. What is not valid becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// As [`Response::bytes`].
    pub async fn text(self) -> Result<String, Error> {
        let (bytes, head) = self.read().await?;
        Ok(decode(&bytes, head.headers()))
    }

    /// The whole body, read as JSON, whatever its `Content-Type`.
    ///
    /// # Errors
    ///
    /// As [`Response::bytes`]; [`ErrorKind::Decode`] where it is not the JSON that was wanted.
    #[cfg(feature = "json")]
    pub async fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Error> {
        let (bytes, head) = self.read().await?;
        serde_json::from_slice(&bytes).map_err(|error| head.error(ErrorKind::Decode, Some(error.into())))
    }

    /// The next piece of the body; `None` at its end. Trailers are passed over.
    ///
    /// # Errors
    ///
    /// What went wrong on the way.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error>
    where
        B: Unpin,
    {
        while let Some(frame) = self.response.body_mut().frame().await {
            if let Ok(data) = frame.map_err(of_body)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The body's data as a stream of its pieces, without trailers.
    pub fn stream(self) -> BodyDataStream<B> {
        BodyDataStream::new(self.into_body())
    }

    /// The whole body, and what else there was.
    async fn read(self) -> Result<(Bytes, Response<()>), Error> {
        let announced = self.content_length();
        let Self { response, uri, limit } = self;
        let (parts, body) = response.into_parts();
        let head = Response { response: http::Response::from_parts(parts, ()), uri, limit };
        let too_large = || head.error(ErrorKind::TooLarge, None);
        let limit = limit.unwrap_or(usize::MAX);
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = std::pin::pin!(body);
        let mut all = Bytes::new();
        let mut more = BytesMut::new();
        while let Some(frame) = body.as_mut().frame().await {
            let Ok(data) = frame.map_err(of_body)?.into_data() else { continue };
            if data.len() > limit - all.len() - more.len() {
                return Err(too_large());
            }
            // One piece alone, as most bodies are, is not copied.
            if all.is_empty() && more.is_empty() {
                all = data;
            } else {
                if more.is_empty() {
                    more.extend_from_slice(&std::mem::take(&mut all));
                }
                more.extend_from_slice(&data);
            }
        }
        Ok((if more.is_empty() { all } else { more.freeze() }, head))
    }
}

/// Ours as it is; another one is a layer's, which made the body what it is.
fn of_body(error: impl Into<BoxError>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => Error::new(ErrorKind::Layer, Sent::Maybe).because(Source::Own(error)),
    }
}

#[cfg(not(feature = "charset"))]
fn decode(bytes: &[u8], _headers: &HeaderMap) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(feature = "charset")]
fn decode(bytes: &[u8], headers: &HeaderMap) -> String {
    let named = charset(headers).and_then(|name| encoding_rs::Encoding::for_label(name.as_bytes()));
    named.unwrap_or(encoding_rs::UTF_8).decode(bytes).0.into_owned()
}

/// The charset that `Content-Type` names (RFC 9110 section 8.3.2).
#[cfg(feature = "charset")]
fn charset(headers: &HeaderMap) -> Option<&str> {
    let content_type = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    });
    charset.map(|charset| charset.trim().trim_matches('"'))
}

impl<B> From<http::Response<B>> for Response<B> {
    fn from(response: http::Response<B>) -> Self {
        Self { response, uri: None, limit: None }
    }
}

impl<B> From<Response<B>> for http::Response<B> {
    fn from(response: Response<B>) -> Self {
        response.response
    }
}

impl<B> fmt::Debug for Response<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("version", &self.version())
            .field("headers", self.headers())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    fn response(content_type: &str, body: &'static [u8]) -> Response<Full<Bytes>> {
        let response = http::Response::builder().header("content-type", content_type);
        response.body(Full::new(Bytes::from_static(body))).unwrap().into()
    }

    #[tokio::test]
    async fn text_is_decoded() {
        assert_eq!(response("text/plain", b"caf\xc3\xa9").text().await.unwrap(), "caf\u{e9}");
        assert_eq!(response("text/plain", b"\xff").text().await.unwrap(), "\u{fffd}");
        let latin = response("text/plain; Charset=\"ISO-8859-1\"", b"caf\xe9").text().await.unwrap();
        assert_eq!(latin, if cfg!(feature = "charset") { "caf\u{e9}" } else { "caf\u{fffd}" });
    }

    #[tokio::test]
    async fn a_limit_is_kept_to_the_byte() {
        assert_eq!(response("text/plain", b"12345").limit(5).bytes().await.unwrap(), "12345");
        let error = response("text/plain", b"12345").limit(4).bytes().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

//! The front door: requests built step by step, responses read in one call.
//!
//! It makes an [`http::Request`] and sends it through a tower service: the client itself, or a stack of layers around it
//! ([`Front`]). Redirects, cookies, decompression and the like are such layers, and have their place there, not here.
//! Invariant: nothing can be done here that an [`http::Request`] with its extensions can't do. Next: [`request`].

mod request;
mod response;
mod url;

use http::Method;

pub use request::RequestBuilder;
pub use response::Response;
pub use url::IntoUrl;

use crate::client::Client;

/// The front door of a stack of tower layers around a [`Client`].
///
/// ```
/// use std::time::Duration;
/// use tower::ServiceBuilder;
///
/// # async fn example() -> Result<(), outlive::Error> {
/// let stack = ServiceBuilder::new().concurrency_limit(10).service(outlive::Client::new());
/// let front = outlive::Front::new(stack);
/// let text = front.get("https://example.com/").send().await?.text().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Front<S> {
    service: S,
}

impl<S> Front<S> {
    /// Sends through this service, a clone of it for each request.
    pub fn new(service: S) -> Self {
        Self { service }
    }

    /// The service.
    pub fn into_inner(self) -> S {
        self.service
    }
}

/// The same ways in for both.
macro_rules! ways_in {
    ($($name:ident = $method:ident),*) => {
        impl Client {
            $(
                #[doc = concat!("Begins a ", stringify!($method), " request. What is wrong with it is told when it is sent.")]
                pub fn $name(&self, url: impl IntoUrl) -> RequestBuilder<Self> {
                    self.build_request(Method::$method, url)
                }
            )*

            /// Begins a request of any method. What is wrong with it is told when it is sent.
            pub fn build_request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder<Self> {
                RequestBuilder::new(self.clone(), method, url)
            }
        }

        impl<S: Clone> Front<S> {
            $(
                #[doc = concat!("Begins a ", stringify!($method), " request. What is wrong with it is told when it is sent.")]
                pub fn $name(&self, url: impl IntoUrl) -> RequestBuilder<S> {
                    self.build_request(Method::$method, url)
                }
            )*

            /// Begins a request of any method. What is wrong with it is told when it is sent.
            pub fn build_request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder<S> {
                RequestBuilder::new(self.service.clone(), method, url)
            }
        }
    };
}

ways_in!(get = GET, head = HEAD, post = POST, put = PUT, patch = PATCH, delete = DELETE);

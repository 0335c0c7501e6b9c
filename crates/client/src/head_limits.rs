//! How much head a response may have: fields, bytes, informational responses before it.
//!
//! Each has a limit, for whatever a peer sends is kept until its caller has it. Invariant: every connection of a client has the same
//! ones. Next: [`crate::settings`], where the defaults stand with their reasons, and [`crate::vet`], which counts fields.

use crate::builder::Builder;
use crate::settings::{HEAD_BYTES_RANGE, MAX_FIELDS, MAX_FIELDS_HTTP1, MAX_HEADER_LIST, MAX_INFORMATIONAL};

/// The limits of a response's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct HeadLimits {
    /// `None` is the default, which over HTTP/1.1 is hyper's own.
    chosen_fields: Option<u32>,
    pub(crate) bytes: u32,
    pub(crate) informational: u32,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { chosen_fields: None, bytes: MAX_HEADER_LIST, informational: MAX_INFORMATIONAL }
    }
}

impl HeadLimits {
    /// Fields in a head or in trailers.
    pub(crate) fn fields(&self) -> u32 {
        self.chosen_fields.unwrap_or(MAX_FIELDS)
    }

    /// The same for hyper, where it is not hyper's own limit: any other makes it allocate all fields anew for each response.
    pub(crate) fn fields_for_hyper(&self) -> Option<u32> {
        self.chosen_fields.filter(|fields| *fields != MAX_FIELDS_HTTP1)
    }
}

/// # Limits of a response's head
///
/// Beyond them a response is the server's fault ([`ErrorKind::Peer`](crate::ErrorKind::Peer)). They bound what a hostile server
/// can make this client keep, and each is checked before more is read.
impl Builder {
    /// At most this many fields in a response's head, and as many in its trailers. Default: 256, and over HTTP/1.1 100; servers'
    /// own limits for requests lie at about 100. Any number but 100 has a price over HTTP/1.1: an allocation of so many fields for
    /// each response. At least 1.
    pub fn max_header_fields(mut self, fields: u32) -> Self {
        self.head.chosen_fields = Some(fields.max(1));
        self
    }

    /// At most this many bytes in a response's head, and in its trailers. HTTP/2 counts names, values and 32 for each field (RFC
    /// 9113 section 6.5.2), and tells the server so; HTTP/1.1 counts the bytes on the wire. Default: 64 KiB, at least twice what
    /// servers allow in requests. From 1 KiB to 16 MiB: what is less or more is taken as that.
    pub fn max_header_bytes(mut self, bytes: u32) -> Self {
        self.head.bytes = bytes.clamp(*HEAD_BYTES_RANGE.start(), *HEAD_BYTES_RANGE.end());
        self
    }

    /// At most this many informational responses (1xx) to one sending of a request, asked for or not. Default: 16, for one or two
    /// are usual. 0 refuses any, `100 Continue` too.
    pub fn max_informational_responses(mut self, responses: u32) -> Self {
        self.head.informational = responses;
        self
    }
}

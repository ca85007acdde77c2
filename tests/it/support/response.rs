//! What an HTTP server of a test sends back, and how.

use serde_json::Value;
use std::io::{Read, Write};

/// What is sent back, and how.
pub(crate) struct Response {
    head: String,
    body: Vec<u8>,
    delivery: Delivery,
    pub(crate) then: Option<ConnectionFault>,
}

/// How the next connection fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionFault {
    /// Nobody listens, for a moment.
    Refused,
    /// It is closed before anything is read.
    Reset,
    /// Something answers that speaks neither TLS nor HTTP.
    OtherProtocol,
}

enum Delivery {
    Whole,
    /// The head promises one byte more than there is; then the connection is closed.
    CutShort,
    /// Byte by byte, for as long as anybody listens.
    Drip,
    /// The body again and again, for as long as anybody listens.
    Endless,
    /// Nothing, but the connection stays.
    Stall,
    /// Nothing, and the connection is closed.
    Close,
    /// These bytes and no others; then the connection is closed.
    Raw,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\n");
        Self { head, body: body.into(), delivery: Delivery::Whole, then: None }
    }

    fn only(delivery: Delivery) -> Self {
        Self { delivery, ..Self::html(200, "") }
    }

    pub(crate) fn body(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// An error of Sentry's most usual shape.
    pub(crate) fn detail(status: u16, detail: &str) -> Self {
        Self::json(status, &serde_json::json!({ "detail": detail }))
    }

    pub(crate) fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self::html(302, "").with("Location", location)
    }

    pub(crate) fn stall() -> Self {
        Self::only(Delivery::Stall)
    }

    pub(crate) fn close() -> Self {
        Self::only(Delivery::Close)
    }

    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { body: bytes.into(), ..Self::only(Delivery::Raw) }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With another type in its head.
    pub(crate) fn with_content_type(mut self, content_type: &str) -> Self {
        let (status, rest) = self.head.split_once("Content-Type: ").unwrap();
        let (_, rest) = rest.split_once("\r\n").unwrap();
        self.head = format!("{status}Content-Type: {content_type}\r\n{rest}");
        self
    }

    /// The body, cut in the middle.
    pub(crate) fn truncated(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        self
    }

    /// Whole, but the next request or connection fails in this way.
    pub(crate) fn then(self, trouble: ConnectionFault) -> Self {
        Self { then: Some(trouble), ..self }
    }

    pub(crate) fn cut_short(self) -> Self {
        Self { delivery: Delivery::CutShort, ..self }
    }

    pub(crate) fn drip(self) -> Self {
        Self { delivery: Delivery::Drip, ..self }
    }

    pub(crate) fn endless(self) -> Self {
        Self { delivery: Delivery::Endless, ..self }
    }

    /// Whether the connection may be used again.
    pub(crate) fn send(&self, stream: &mut (impl Read + Write)) -> std::io::Result<bool> {
        let length = self.body.len() + usize::from(matches!(self.delivery, Delivery::CutShort));
        let head = format!("{}Content-Length: {length}\r\n\r\n", self.head);
        let chunked = format!("{}Transfer-Encoding: chunked\r\n\r\n", self.head);
        match self.delivery {
            Delivery::Whole | Delivery::CutShort => {
                stream.write_all(&[head.as_bytes(), &self.body].concat())?;
            }
            Delivery::Drip => {
                stream.write_all(chunked.as_bytes())?;
                for byte in self.body.iter().cycle() {
                    stream.write_all(&[b"1\r\n", &[*byte][..], b"\r\n"].concat())?;
                    stream.flush()?;
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            }
            Delivery::Endless => {
                stream.write_all(chunked.as_bytes())?;
                let size = format!("{:x}\r\n", self.body.len());
                let chunk = [size.as_bytes(), &self.body, b"\r\n"].concat();
                while stream.write_all(&chunk).is_ok() {}
            }
            Delivery::Stall => drop(std::io::copy(stream, &mut std::io::sink())?),
            Delivery::Close => {}
            Delivery::Raw => stream.write_all(&self.body)?,
        }
        stream.flush().map(|()| matches!(self.delivery, Delivery::Whole) && self.then.is_none())
    }
}

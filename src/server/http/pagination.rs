//! Pages of a listing: `per_page` and `cursor` in, a `Link` header out, as Sentry's offset
//! paginator has them. A cursor is `size:page:is_previous`.

use super::request::RawRequest;
use super::response::{ApiError, ApiResult, ok};
use crate::database::PageQuery;
use axum::http::HeaderValue;
use axum::http::header::LINK;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// The largest page, and the one that is taken unasked.
const LARGEST: i64 = 100;

/// The largest number of a cursor, far beyond every row; two of them multiply without overflow.
const LARGEST_IN_CURSOR: i64 = 1_000_000_000;

/// What Django's `quote` leaves as it is in a path.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'/');

/// Which part of a listing is requested.
#[derive(Clone, Copy)]
pub(crate) struct ListQuery {
    size: i64,
    page: i64,
    offset: i64,
}

impl ListQuery {
    /// Reads `per_page` and `cursor`.
    pub(crate) fn read(request: &RawRequest) -> Result<Self, ApiError> {
        Self::read_with(request, LARGEST)
    }

    /// The same, where a page has so many rows unasked.
    pub(crate) fn read_with(request: &RawRequest, default: i64) -> Result<Self, ApiError> {
        let size = match request.query("per_page") {
            None => default,
            Some(text) => {
                text.parse().map_err(|_| ApiError::bad_request("Invalid per_page parameter."))?
            }
        };
        if size > LARGEST {
            let text = format!("Invalid per_page value. Cannot exceed {LARGEST}.");
            return Err(ApiError::bad_request(text));
        }
        if size < 1 {
            let text = format!("Invalid per_page value. Must be between 1 and {LARGEST}.");
            return Err(ApiError::bad_request(text));
        }
        let (value, page) = match request.non_empty_query("cursor") {
            None => (size, 0),
            Some(cursor) => {
                parse(cursor).ok_or_else(|| ApiError::bad_request("Invalid cursor parameter."))?
            }
        };
        let offset = value * page;
        if offset < 0 {
            return Err(ApiError::bad_request("Pagination offset cannot be negative"));
        }
        Ok(Self { size, page, offset })
    }

    /// The rows to read: one more than is shown.
    pub(crate) fn rows(self) -> PageQuery {
        PageQuery { offset: self.offset, rows: self.size + 1 }
    }

    /// The response with its `Link` header; `rows` may hold the one that is not shown.
    pub(crate) fn respond(self, base: &str, request: &RawRequest, rows: Vec<Value>) -> ApiResult {
        self.respond_within(base, request, rows, Value::Array)
    }

    /// The same, where the rows stand within something else.
    pub(crate) fn respond_within(
        self,
        base: &str,
        request: &RawRequest,
        mut rows: Vec<Value>,
        body: impl FnOnce(Vec<Value>) -> Value,
    ) -> ApiResult {
        let more = i64::try_from(rows.len()).is_ok_and(|count| count > self.size);
        rows.truncate(usize::try_from(self.size).unwrap_or(usize::MAX));
        let mut response = ok(&body(rows));
        if let Ok(link) = HeaderValue::from_str(&self.link(base, request, more)) {
            response.headers_mut().insert(LINK, link);
        }
        Ok(response)
    }

    /// Both entries, always; only `results` says whether there is a page.
    pub(crate) fn link(self, base: &str, request: &RawRequest, more: bool) -> String {
        let path = utf8_percent_encode(&decoded(&request.path), PATH).to_string();
        let others = request.query.iter().filter(|(name, _)| name != "cursor");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others);
        let url = format!("{base}{path}?{}", query.finish());
        let entry = |rel: &str, page: i64, results: bool| {
            let cursor = format!("{}:{page}:{}", self.size, u8::from(rel == "previous"));
            format!(
                "<{url}&cursor={cursor}>; rel=\"{rel}\"; results=\"{results}\"; cursor=\"{cursor}\""
            )
        };
        let previous = entry("previous", self.page - 1, self.page > 0);
        format!("{previous}, {}", entry("next", self.page + 1, more))
    }
}

fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Size and page of a cursor.
fn parse(cursor: &str) -> Option<(i64, i64)> {
    let mut parts = cursor.split(':');
    let (value, page) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let is_previous = parts.next()?;
    let is_bounded = |number: i64| (-LARGEST_IN_CURSOR..=LARGEST_IN_CURSOR).contains(&number);
    if ![value, page].into_iter().all(is_bounded) {
        return None;
    }
    (parts.next().is_none() && is_previous.parse::<u8>().is_ok()).then_some((value, page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::http::RequestAccess;
    use crate::server::http::body_budget::IncomingBody;
    use crate::server::http::limits::ConnectionLimits;
    use axum::body::Body;
    use axum::http::{HeaderMap, Method};

    fn request_with(query: &[(&str, &str)]) -> RawRequest {
        RawRequest {
            path: "/api/0/organizations/acme/releases/web@1.0.0/deploys/".to_owned(),
            query: query
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            headers: HeaderMap::new(),
            params: Vec::new(),
            body: IncomingBody::new(Body::empty(), &HeaderMap::new(), ConnectionLimits::default()),
            method: Method::GET,
            access: RequestAccess::ReadOnly,
        }
    }

    fn link(query: &[(&str, &str)], more: bool) -> String {
        let request = request_with(query);
        ListQuery::read(&request).unwrap().link("http://127.0.0.1:9123", &request, more)
    }

    #[test]
    fn the_link_is_the_one_of_a_real_server() {
        let url = "http://127.0.0.1:9123/api/0/organizations/acme/releases/web%401.0.0/deploys/";
        assert_eq!(
            link(&[], false),
            format!(
                "<{url}?&cursor=100:-1:1>; rel=\"previous\"; results=\"false\"; cursor=\"100:-1:1\", \
                 <{url}?&cursor=100:1:0>; rel=\"next\"; results=\"false\"; cursor=\"100:1:0\""
            )
        );
        assert_eq!(
            link(&[("per_page", "2"), ("cursor", "1:1:0")], true),
            format!(
                "<{url}?per_page=2&cursor=2:0:1>; rel=\"previous\"; results=\"true\"; cursor=\"2:0:1\", \
                 <{url}?per_page=2&cursor=2:2:0>; rel=\"next\"; results=\"true\"; cursor=\"2:2:0\""
            )
        );
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for query in [
            ("per_page", "abc"),
            ("per_page", "101"),
            ("per_page", "0"),
            ("cursor", "bad"),
            ("cursor", "100:-1:1"),
            ("cursor", "1:2:3:4"),
            ("cursor", "1:1000000001:0"),
            ("cursor", "9223372036854775807:9223372036854775807:1"),
            ("cursor", "0:-9223372036854775808:0"),
        ] {
            assert!(ListQuery::read(&request_with(&[query])).is_err(), "{query:?}");
        }
    }
}

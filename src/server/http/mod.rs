//! HTTP as `serve` speaks it: connections, requests, bodies, responses.

pub(crate) mod access_log;
pub(crate) mod body;
pub(crate) mod body_budget;
pub(crate) mod connections;
mod framing;
pub(crate) mod limits;
pub(crate) mod multipart;
pub(crate) mod pagination;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod security;

pub(crate) use pagination::ListQuery;
pub(crate) use request::RawRequest;
pub(crate) use response::{ApiError, ApiResult, empty, json_response, ok};
pub(crate) use security::RequestAccess;

//! A refusal of REST as a gRPC status: the sentence is its message, the stable code stands in its details
//! (`google.rpc.ErrorInfo.reason`, domain `streamgate`) and, for those who read no details, in the metadata `streamgate-code`.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::Value;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// More would not fit into what clients take as trailers, 8 KiB in base64; REST says it in full.
const MISSING_BYTES_MAX: usize = 4 << 10;

/// The status of a refused request.
pub(super) fn status(http: StatusCode, body: &[u8]) -> Status {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let (code, detail) = (word("code"), word("detail"));
    let mut metadata = MetadataMap::new();
    if let Ok(value) = code.parse() {
        metadata.insert("streamgate-code", value);
    }
    let missing = problem.get("missing").map(Value::to_string).filter(|missing| missing.len() <= MISSING_BYTES_MAX);
    let missing: HashMap<_, _> = missing.map(|missing| ("missing".to_owned(), missing)).into_iter().collect();
    let details = ErrorDetails::with_error_info(code, "streamgate", missing);
    Status::with_error_details_and_metadata(of(http), detail, details, metadata)
}

fn of(http: StatusCode) -> Code {
    match http {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND | StatusCode::GONE => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::Unimplemented,
        StatusCode::PRECONDITION_FAILED => Code::Aborted,
        StatusCode::CONFLICT | StatusCode::LOCKED => Code::FailedPrecondition,
        StatusCode::REQUEST_TIMEOUT => Code::DeadlineExceeded,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS | StatusCode::INSUFFICIENT_STORAGE => {
            Code::ResourceExhausted
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        http if http.is_client_error() => Code::InvalidArgument,
        _ => Code::Internal,
    }
}

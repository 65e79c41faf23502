//! Sorts what the SDK answers into our own errors.

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

use crate::{BlobError, ObjectKey};

/// One call, for its error's text and kind.
pub(crate) struct Call<'a> {
    operation: &'static str,
    subject: &'a str,
    key: Option<&'a ObjectKey>,
}

impl<'a> Call<'a> {
    /// A call about something other than one object.
    pub(crate) fn on(operation: &'static str, subject: &'a str) -> Self {
        Self { operation, subject, key: None }
    }

    pub(crate) fn on_object(operation: &'static str, key: &'a ObjectKey) -> Self {
        Self { operation, subject: key.as_str(), key: Some(key) }
    }

    pub(crate) fn failed<E>(self, error: SdkError<E, HttpResponse>) -> BlobError
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let sort = match &error {
            // Nothing came back, or nothing that could be read: the network, a restart, a proxy's page.
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Sort::Unavailable,
            SdkError::ServiceError(refused) => sort(refused.err().code().unwrap_or_default(), status.unwrap_or(0)),
            _ => Sort::Failed,
        };
        let (operation, subject) = (self.operation, self.subject.to_owned());
        match (sort, self.key) {
            (Sort::NotFound, Some(key)) => BlobError::NotFound { key: key.clone() },
            (Sort::InvalidRange, Some(key)) => BlobError::InvalidRange { key: key.clone() },
            (Sort::Denied, _) => BlobError::Denied { operation, subject, source: Box::new(error) },
            (Sort::Unavailable, _) => BlobError::Unavailable { operation, subject, source: Box::new(error) },
            (Sort::NotFound | Sort::InvalidRange | Sort::Failed, _) => {
                BlobError::Failed { operation, subject, source: Box::new(error) }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sort {
    NotFound,
    InvalidRange,
    Denied,
    Unavailable,
    Failed,
}

/// By the service's word first, by the HTTP status when it has none (answers to HEAD have no body).
/// Words: Amazon S3 API reference, "Error responses".
fn sort(code: &str, status: u16) -> Sort {
    match (code, status) {
        ("NoSuchKey" | "NotFound", _) => Sort::NotFound,
        // A missing bucket is not a missing object: an operator must act.
        ("NoSuchBucket", _) => Sort::Failed,
        ("InvalidRange", _) | (_, 416) => Sort::InvalidRange,
        ("SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout" | "OperationAborted", _) => {
            Sort::Unavailable
        }
        (_, 501) => Sort::Failed,
        (_, 408 | 429 | 500..=599) => Sort::Unavailable,
        (_, 401 | 403) => Sort::Denied,
        ("", 404) => Sort::NotFound,
        _ => Sort::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sorted_by_word_then_status() {
        for (code, status, expected) in [
            ("NoSuchKey", 404, Sort::NotFound),
            ("NotFound", 404, Sort::NotFound),
            ("", 404, Sort::NotFound),
            ("NoSuchBucket", 404, Sort::Failed),
            ("NoSuchUpload", 404, Sort::Failed),
            ("InvalidRange", 416, Sort::InvalidRange),
            ("AccessDenied", 403, Sort::Denied),
            ("SignatureDoesNotMatch", 403, Sort::Denied),
            ("InvalidAccessKeyId", 403, Sort::Denied),
            ("SlowDown", 503, Sort::Unavailable),
            ("", 503, Sort::Unavailable),
            ("RequestTimeout", 400, Sort::Unavailable),
            ("TooManyRequests", 429, Sort::Unavailable),
            ("NotImplemented", 501, Sort::Failed),
            ("EntityTooLarge", 400, Sort::Failed),
        ] {
            assert_eq!(sort(code, status), expected, "{code} {status}");
        }
    }
}

//! Compressed request bodies: what is read here is decoded, and what is not is refused by name instead of being taken
//! for a broken body. Everything that reads a body bounds what it has decoded.

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{Decompress, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::header::{CONTENT_ENCODING, ContentEncoding, HeaderMap},
    middleware::Next,
    web,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::Either, stream};

use crate::problem::ApiError;

/// Codings that a body may have come through, for `Accept-Encoding` of a refusal.
const CODINGS: &str = "gzip, deflate";
/// Deflate makes at most 1032 bytes of one: decoding so much at once bounds what a chunk becomes in memory.
const DECODED_AT_ONCE: usize = 1024;

/// Middleware: 415 to bodies in other codings, on every route.
pub async fn known_codings(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match coding(request.headers()) {
        Ok(_) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refused) => {
            // Not `into_response`, which forgets the error that the metrics count.
            let refusal = ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(refused));
            Ok(refusal.map_into_right_body())
        }
    }
}

fn coding(headers: &HeaderMap) -> Result<ContentEncoding, ApiError> {
    let mut lines = headers.get_all(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim());
    let named = lines.next().unwrap_or_default();
    let known = match named.parse() {
        _ if lines.next().is_some() => None,
        _ if named.is_empty() => Some(ContentEncoding::Identity),
        Ok(coding @ (ContentEncoding::Identity | ContentEncoding::Gzip | ContentEncoding::Deflate)) => Some(coding),
        _ => None,
    };
    known.ok_or_else(|| {
        let named: String = named.chars().filter(|c| !c.is_control()).take(40).collect();
        ApiError::UnsupportedCoding {
            accepted: CODINGS,
            detail: format!("The body's Content-Encoding ({named}) is not read here; send it as it is, or as gzip."),
        }
    })
}

/// A body without its coding. Call behind [`known_codings`].
pub fn decoded(headers: &HeaderMap, body: web::Payload) -> impl Stream<Item = Result<Bytes, PayloadError>> + use<> {
    match coding(headers) {
        Ok(coding @ (ContentEncoding::Gzip | ContentEncoding::Deflate)) => {
            let pieces = body.flat_map(|chunk| {
                let (bytes, error) = match chunk {
                    Ok(bytes) => (bytes, None),
                    Err(error) => (Bytes::new(), Some(error)),
                };
                stream::iter(pieces(bytes).map(Ok).chain(error.map(Err)))
            });
            Either::Left(Decompress::new(pieces, coding))
        }
        _ => Either::Right(body),
    }
}

fn pieces(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(DECODED_AT_ONCE));
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn known(lines: &[&'static str]) -> Option<ContentEncoding> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(line));
        }
        coding(&headers).ok()
    }

    #[test]
    fn codings_that_are_not_read_are_refused() {
        for (lines, coding) in [
            (&[] as &[_], ContentEncoding::Identity),
            (&[""], ContentEncoding::Identity),
            (&["identity"], ContentEncoding::Identity),
            (&["GZIP"], ContentEncoding::Gzip),
            (&["deflate"], ContentEncoding::Deflate),
        ] {
            assert_eq!(known(lines), Some(coding), "{lines:?}");
        }
        for lines in [&["br"] as &[_], &["zstd"], &["gzip, gzip"], &["gzip", "gzip"], &["compress"], &["aes128gcm"]] {
            assert_eq!(known(lines), None, "{lines:?}");
        }
    }

    #[test]
    fn a_chunk_is_decoded_piece_by_piece() {
        let chunk = Bytes::from(vec![7; 2 * DECODED_AT_ONCE + 1]);
        let lengths: Vec<_> = pieces(chunk).map(|piece| piece.len()).collect();
        assert_eq!(lengths, [DECODED_AT_ONCE, DECODED_AT_ONCE, 1]);
        assert_eq!(pieces(Bytes::new()).count(), 0);
    }
}

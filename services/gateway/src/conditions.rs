//! Conditional requests and ranges for a file that never changes (RFC 9110, sections 13 and 14). There is no date of
//! modification, so conditions by date say nothing.

use actix_web::http::{
    Method,
    header::{self, AsHeaderName, HeaderMap},
};
use blob_store::ByteRange;

/// What to answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Decision {
    /// The file, or the part of it that is asked for.
    Serve(Option<ByteRange>),
    /// 304: the client has it.
    Unmodified,
    /// 412: the client wants a version that this is not.
    OtherVersion,
}

/// For the file with this (strong) `etag`, in the order of section 13.2.2.
pub fn decide(method: &Method, headers: &HeaderMap, etag: &str) -> Decision {
    if headers.contains_key(header::IF_MATCH) && !names(headers, header::IF_MATCH, |tag| tag == etag) {
        return Decision::OtherVersion;
    }
    let weakly = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag) == etag;
    if names(headers, header::IF_NONE_MATCH, weakly) {
        return Decision::Unmodified;
    }
    Decision::Serve(wanted_range(method, headers, etag))
}

/// Whether a list of tags, over all lines of the header, has one that is the same, or is `*`.
fn names(headers: &HeaderMap, name: impl AsHeaderName, same: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|tag| tag == "*" || same(tag))
}

/// The part that is asked for. What cannot be understood, or more than one part, reads as the whole, and so does a part
/// of another version: `If-Range` compares strongly, and knows no `*`. Only GET has ranges.
fn wanted_range(method: &Method, headers: &HeaderMap, etag: &str) -> Option<ByteRange> {
    let other_version = headers.get_all(header::IF_RANGE).any(|tag| tag.as_bytes().trim_ascii() != etag.as_bytes());
    let mut lines = headers.get_all(header::RANGE);
    let range = lines.next().and_then(|value| value.to_str().ok());
    if method != Method::GET || other_version || lines.next().is_some() {
        return None;
    }
    parse_range(range?)
}

fn parse_range(text: &str) -> Option<ByteRange> {
    let (unit, set) = text.trim().split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", count) => Some(ByteRange::Last { count: number(count)? }),
        (first, "") => Some(ByteRange::From { first: number(first)? }),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(ByteRange::FromTo { first, last })
        }
    }
}

/// Digits and nothing else; a number beyond every file is still one.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const ETAG: &str = "\"abc\"";
    const PART: Decision = Decision::Serve(Some(ByteRange::FromTo { first: 0, last: 9 }));
    const WHOLE: Decision = Decision::Serve(None);

    fn decided(method: &Method, told: &[(&str, &str)]) -> Decision {
        let mut headers = HeaderMap::new();
        for (name, value) in told {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        decide(method, &headers, ETAG)
    }

    fn got(told: &[(&str, &str)]) -> Decision {
        decided(&Method::GET, told)
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        assert_eq!(parse_range("bytes=0-99"), Some(ByteRange::FromTo { first: 0, last: 99 }));
        assert_eq!(parse_range("Bytes=100-"), Some(ByteRange::From { first: 100 }));
        assert_eq!(parse_range(" bytes=-5 "), Some(ByteRange::Last { count: 5 }));
        let beyond = Some(ByteRange::FromTo { first: 1, last: u64::MAX });
        assert_eq!(parse_range("bytes=1-99999999999999999999999"), beyond);
        for whole in [
            "bytes=5-1",
            "bytes=a-b",
            "bytes=0-1,4-5",
            "items=0-1",
            "bytes=",
            "bytes=-",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes 0-1",
            "bytes=0x1-2",
        ] {
            assert_eq!(parse_range(whole), None, "{whole}");
        }
    }

    #[test]
    fn only_get_has_ranges() {
        let range = ("range", "bytes=0-9");
        assert_eq!(got(&[range]), PART);
        assert_eq!(decided(&Method::HEAD, &[range]), WHOLE);
        assert_eq!(got(&[range, range]), WHOLE, "two lines are more than one part");
    }

    #[test]
    fn if_range_compares_strongly() {
        let range = ("range", "bytes=0-9");
        assert_eq!(got(&[range, ("if-range", ETAG)]), PART);
        for other in ["W/\"abc\"", "*", "\"abd\"", "abc", "Sat, 28 Nov 2026 00:00:00 GMT", ""] {
            assert_eq!(got(&[range, ("if-range", other)]), WHOLE, "{other}");
        }
    }

    #[test]
    fn lists_of_tags_go_over_lines() {
        for tags in [&[ETAG] as &[_], &["\"x\", W/\"abc\""], &["\"x\"", "\"abc\""], &["*"], &["W/\"y\",\"abc\""]] {
            let told: Vec<_> = tags.iter().map(|tag| ("if-none-match", *tag)).collect();
            assert_eq!(got(&told), Decision::Unmodified, "{tags:?}");
            assert_eq!(decided(&Method::HEAD, &told), Decision::Unmodified, "{tags:?}");
        }
        assert_eq!(got(&[("if-none-match", "\"x\""), ("if-none-match", "\"y\"")]), WHOLE);
        assert_eq!(got(&[("if-none-match", "abc")]), WHOLE, "a tag has quotes");
    }

    #[test]
    fn if_match_comes_first_and_compares_strongly() {
        for mine in ["\"abc\"", "*", "\"x\", \"abc\""] {
            assert_eq!(got(&[("if-match", mine)]), WHOLE, "{mine}");
        }
        for other in ["W/\"abc\"", "\"x\"", ""] {
            assert_eq!(got(&[("if-match", other), ("if-none-match", ETAG)]), Decision::OtherVersion, "{other}");
        }
    }
}

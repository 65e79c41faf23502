//! Parts of an object. Pure arithmetic; the rules are those of RFC 9110, section 14.

/// Which bytes of an object are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByteRange {
    /// From `first` to `last`, both included; `last` may lie behind the end.
    FromTo { first: u64, last: u64 },
    /// From `first` to the end.
    From { first: u64 },
    /// The last `count` bytes, or all when there are fewer.
    Last { count: u64 },
}

/// A part of an object that exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteSpan {
    /// Offset of the first byte.
    pub offset: u64,
    pub length: u64,
}

impl ByteRange {
    /// The part that this names in an object of `size_bytes`; `None` when it names no byte of it.
    pub fn resolve(self, size_bytes: u64) -> Option<ByteSpan> {
        let (first, end) = match self {
            Self::FromTo { first, last } if first <= last => (first, last.saturating_add(1).min(size_bytes)),
            Self::FromTo { .. } => return None,
            Self::From { first } => (first, size_bytes),
            Self::Last { count } => (size_bytes.saturating_sub(count), size_bytes),
        };
        (first < end).then(|| ByteSpan { offset: first, length: end - first })
    }

    /// As the value of a `Range` header.
    pub(crate) fn header(self) -> String {
        match self {
            Self::FromTo { first, last } => format!("bytes={first}-{last}"),
            Self::From { first } => format!("bytes={first}-"),
            Self::Last { count } => format!("bytes=-{count}"),
        }
    }
}

impl ByteSpan {
    /// All of an object of `size_bytes`.
    pub const fn whole(size_bytes: u64) -> Self {
        Self { offset: 0, length: size_bytes }
    }
}

/// Span and total size from a `Content-Range` header such as `bytes 0-99/1234`.
pub(crate) fn parse_content_range(header: &str) -> Option<(ByteSpan, u64)> {
    let (span, total) = header.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last, total) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?);
    (first <= last && last < total).then(|| (ByteSpan { offset: first, length: last - first + 1 }, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_resolve_as_http_says() {
        let check = |range: ByteRange, size: u64, expected: Option<(u64, u64)>| {
            assert_eq!(range.resolve(size).map(|s| (s.offset, s.length)), expected, "{range:?} of {size}");
        };
        check(ByteRange::FromTo { first: 0, last: 0 }, 10, Some((0, 1)));
        check(ByteRange::FromTo { first: 2, last: 5 }, 10, Some((2, 4)));
        check(ByteRange::FromTo { first: 2, last: 99 }, 10, Some((2, 8)));
        check(ByteRange::FromTo { first: 9, last: u64::MAX }, 10, Some((9, 1)));
        check(ByteRange::FromTo { first: 10, last: 11 }, 10, None);
        check(ByteRange::FromTo { first: 5, last: 4 }, 10, None);
        check(ByteRange::From { first: 0 }, 10, Some((0, 10)));
        check(ByteRange::From { first: 10 }, 10, None);
        check(ByteRange::Last { count: 3 }, 10, Some((7, 3)));
        check(ByteRange::Last { count: 99 }, 10, Some((0, 10)));
        check(ByteRange::Last { count: 0 }, 10, None);
        check(ByteRange::From { first: 0 }, 0, None);
        check(ByteRange::Last { count: 1 }, 0, None);
    }

    #[test]
    fn content_range_is_read_strictly() {
        assert_eq!(parse_content_range("bytes 2-5/10"), Some((ByteSpan { offset: 2, length: 4 }, 10)));
        for bad in ["bytes 5-2/10", "bytes 0-10/10", "bytes */10", "0-1/2", "bytes 0-1/*", ""] {
            assert_eq!(parse_content_range(bad), None, "{bad:?}");
        }
    }
}

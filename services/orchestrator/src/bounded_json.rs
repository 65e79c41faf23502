//! JSON that is not larger than it may be. The bound holds while it is written, so a value that would become more is found
//! out without being held as text.

use std::io;

use serde::Serialize;

/// The value as JSON; `None` when that is longer than `most_bytes`.
///
/// # Errors
/// What the value's own serialization refuses.
pub fn json_within<T: Serialize + ?Sized>(value: &T, most_bytes: usize) -> serde_json::Result<Option<Vec<u8>>> {
    let mut page = Page { bytes: Vec::new(), most_bytes, is_full: false };
    match serde_json::to_writer(&mut page, value) {
        Ok(()) => Ok(Some(page.bytes)),
        Err(_) if page.is_full => Ok(None),
        Err(error) => Err(error),
    }
}

struct Page {
    bytes: Vec<u8>,
    most_bytes: usize,
    is_full: bool,
}

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.most_bytes - self.bytes.len() {
            self.is_full = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde::{Serializer, ser::SerializeSeq};

    use super::*;

    #[test]
    fn the_bound_is_met_to_the_byte() {
        let value = ["ab", "\"", "ä"];
        let whole = serde_json::to_vec(&value).unwrap();
        assert_eq!(json_within(&value, whole.len()).unwrap(), Some(whole.clone()));
        for less in 0..whole.len() {
            assert_eq!(json_within(&value, less).unwrap(), None, "{less}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_written_to_its_end() {
        /// Says how many of its numbers were asked for.
        struct Endless<'a>(&'a Cell<u32>);

        impl Serialize for Endless<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(None)?;
                for number in 0..u32::MAX {
                    self.0.set(number);
                    list.serialize_element(&number)?;
                }
                list.end()
            }
        }

        let asked = Cell::new(0);
        assert_eq!(json_within(&Endless(&asked), 1000).unwrap(), None);
        assert!(asked.get() < 1000, "{}", asked.get());
    }

    #[test]
    fn other_errors_stay_what_they_are() {
        let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert!(json_within(&no_json, 1000).is_err());
    }
}

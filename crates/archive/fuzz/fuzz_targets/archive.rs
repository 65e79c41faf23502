//! Any bytes as a file that somebody sends: a zip, a tar, either gzipped, or something else. Whatever it says of itself,
//! no more is unpacked than the limits allow, and names are only names.

#![no_main]

use std::io::{self, Read, Seek, SeekFrom, Write};

use archive::{Limits, Refusal, Sink, Source, Stop};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "songs";

const LIMITS: Limits = Limits {
    archive_bytes: 1 << 20,
    entries: 50,
    file_bytes: 4 << 10,
    unpacked_bytes: 64 << 10,
    ratio: 200,
    depth: 4,
    strict_names: false,
};

#[derive(Default)]
struct Seen {
    items: usize,
    bytes: u64,
}

impl Sink for Seen {
    type Content = Vec<u8>;

    fn wants(&self, path: &str) -> bool {
        !path.ends_with(".txt")
    }

    fn read(&mut self, _path: &str, from: &mut dyn Read) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn take(&mut self, path: String, content: Result<Vec<u8>, Refusal>) -> Result<(), Stop> {
        let parts: Vec<&str> = path.split('/').collect();
        assert_eq!(parts.first(), Some(&NAME), "{path}");
        assert!(parts.iter().all(|part| !["", ".", ".."].contains(part)), "{path}");
        self.items += 1;
        if let Ok(content) = &content {
            assert!(content.len() as u64 <= LIMITS.file_bytes, "a file above its limit");
            self.bytes += content.len() as u64;
        }
        // An entry each, and one for what ends the walk.
        assert!(self.items <= LIMITS.entries + 1, "more files than allowed");
        assert!(self.bytes <= LIMITS.unpacked_bytes + LIMITS.file_bytes, "more bytes than allowed");
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::tempfile() else { return };
    let written = file.write_all(bytes).and_then(|()| file.seek(SeekFrom::Start(0)));
    if written.is_err() {
        return;
    }
    let walked = Source::File { name: NAME.to_owned(), file }.walk(&LIMITS, &mut Seen::default());
    assert_eq!(walked, Ok(()));
});

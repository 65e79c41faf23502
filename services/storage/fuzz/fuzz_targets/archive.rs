//! Any bytes as a file that songs are imported from: a zip, a tar, either gzipped, or a song. Whatever it says of itself,
//! no more is unpacked than the limits allow, and names are only names.

#![no_main]

// The walk itself, without the service around it.
#[allow(dead_code)]
#[path = "../../src/songs"]
mod songs {
    pub mod bounded;
    pub mod item;
    pub mod limits;
    pub mod refusal;
    pub mod source;
    pub mod tarred;
    pub mod zipped;
}

use std::io::{Seek, SeekFrom, Write};

use libfuzzer_sys::fuzz_target;
use songs::{
    item::{Item, Sink, Stop},
    limits::ImportLimits,
    source::Source,
};

const NAME: &str = "songs";

fn limits() -> ImportLimits {
    let midi = music::smf::Limits { bytes: 4 << 10, ..music::smf::Limits::default() };
    ImportLimits {
        archive_bytes: 1 << 20,
        entries: 50,
        file_bytes: 4 << 10,
        unpacked_bytes: 64 << 10,
        ratio: 200,
        depth: 4,
        report_lines: 100,
        midi,
    }
}

struct Seen {
    limits: ImportLimits,
    items: usize,
    bytes: u64,
}

impl Sink for Seen {
    fn wants(&self, path: &str) -> bool {
        !path.ends_with(".txt")
    }

    fn take(&mut self, item: Item) -> Result<(), Stop> {
        let parts: Vec<&str> = item.path.split('/').collect();
        assert_eq!(parts.first(), Some(&NAME), "{}", item.path);
        assert!(parts.iter().all(|part| !["", ".", ".."].contains(part)), "{}", item.path);
        self.items += 1;
        if let Ok(content) = &item.content {
            assert!(content.len() as u64 <= self.limits.file_bytes, "a file above its limit");
            self.bytes += content.len() as u64;
        }
        // An entry each, and one for what ends the walk.
        assert!(self.items <= self.limits.entries + 1, "more files than allowed");
        assert!(self.bytes <= self.limits.unpacked_bytes + self.limits.file_bytes, "more bytes than allowed");
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::tempfile() else { return };
    let written = file.write_all(bytes).and_then(|()| file.seek(SeekFrom::Start(0)));
    if written.is_err() {
        return;
    }
    let limits = limits();
    let walked = Source::File { name: NAME.to_owned(), file }.walk(&limits, &mut Seen { limits, items: 0, bytes: 0 });
    assert_eq!(walked, Ok(()));
});

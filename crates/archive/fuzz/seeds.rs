//! Writes the archives that the fuzzer begins with into the folder that is named.

#[allow(dead_code)]
#[path = "../../../services/storage/tests/it/songs_bytes/mod.rs"]
mod songs_bytes;

use std::{fs, io, path::Path};

use songs_bytes::{gzip, midi, tar_entry, tar_of, zip_of};

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| io::Error::other("name the folder for them"))?;
    fs::create_dir_all(&folder)?;
    let entries = [("a/one.mid", midi(1, "one")), ("two.mid", midi(2, "two")), ("names.txt", b"a".to_vec())];
    let tar = tar_of(&entries);
    let mut odd = tar_entry(b"././@LongLink", b'L', b"a/rather/long/name.mid\0");
    odd.extend(tar_entry(b"short", b'0', &midi(3, "three")));
    odd.extend(tar_entry(b"x", b'x', b"20 path=../four.mid\n"));
    odd.extend(tar_entry(b"four", b'0', &midi(4, "four")));
    odd.extend(tar_entry(b"link", b'2', b""));
    odd.extend([0; 1024]);
    let seeds = [
        ("plain", midi(5, "five")),
        ("zip", zip_of(&entries)),
        ("nested", zip_of(&[("inner.zip", zip_of(&entries))])),
        ("tar", tar.clone()),
        ("odd-tar", odd),
        ("tar-gz", gzip(&tar)),
        ("gz", gzip(&midi(6, "six"))),
    ];
    for (name, bytes) in seeds {
        fs::write(Path::new(&folder).join(name), bytes)?;
    }
    Ok(())
}

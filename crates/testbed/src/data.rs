//! Real recordings that live beside the project and not in it.

use std::path::{Path, PathBuf};

/// The file `name` (such as `audio/vocadito_10.wav`) in the folder of shared test data, or `None` after one line on
/// standard error when this machine has no such file.
///
/// The folder is `DESCANT_SHARED_DATA`, else `../shared/data` beside the workspace. A test that gets `None` makes its
/// own sound instead: it never passes without having tested anything.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DESCANT_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let file = folder.join(name);
    if file.is_file() {
        Some(file)
    } else {
        eprintln!("no shared test data {name}: using sounds made by the test itself");
        None
    }
}

//! Fonts that distributions install.

use std::{fs, path::PathBuf};

/// Where packages put them: Debian and Ubuntu, Fedora and Arch, local installations, Homebrew.
const FOLDERS: [&str; 5] = [
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/usr/local/share/sounds/sf2",
    "/opt/homebrew/share/soundfonts",
];
/// Known good ones first.
const PREFERRED: [&str; 3] = ["fluidr3_gm", "timgm6mb", "default"];

/// Files that may be fonts, the best first, always in the same order.
pub(crate) fn system_fonts() -> Vec<PathBuf> {
    let entries = FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut found: Vec<(usize, PathBuf)> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("sf2")) && path.is_file())
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
            let place = PREFERRED.iter().position(|good| name.contains(good)).unwrap_or(PREFERRED.len());
            (place, path)
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

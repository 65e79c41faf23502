//! Fonts that distributions install, and which of them is played.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::font::is_unfit;

/// Where packages put them: Debian and Ubuntu, Fedora and Arch, local installations, Homebrew.
const FOLDERS: [&str; 7] = [
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/usr/local/share/sounds/sf2",
    "/usr/local/share/sounds/sf3",
    "/opt/homebrew/share/soundfonts",
];
/// Known good ones, the best first, by a word in their names. Those that play as they were meant to come before others.
const PREFERRED: [&str; 4] = ["fluidr3_gm", "fluidr3mono", "timgm6mb", "generaluser"];

/// Files that may be fonts, the best first, always in the same order. A file with several names is there once.
pub(crate) fn system_fonts() -> Vec<PathBuf> {
    fonts_in(FOLDERS.iter().map(Path::new))
}

fn fonts_in<'a>(folders: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let files: BTreeSet<PathBuf> = files.filter_map(|entry| fs::canonicalize(entry.path()).ok()).collect();
    let mut found: Vec<(usize, PathBuf)> = files
        .into_iter()
        .filter(|path| path.is_file())
        .filter_map(|path| {
            let ends = path.extension()?.to_string_lossy().to_lowercase();
            let name = path.file_stem()?.to_string_lossy().to_lowercase();
            let place = PREFERRED.iter().position(|good| name.contains(good)).unwrap_or(PREFERRED.len());
            (["sf2", "sf3"].contains(&ends.as_str()) && !is_unfit(&name)).then_some((place, path))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_font_comes_first_and_unfit_ones_never() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["zebra.sf2", "TimGM6mb.sf2", "FluidR3Mono_GM.sf3", "MuseScore_General.sf3", "FluidR3_GM.SF2", "notes.txt"]
        {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        // As Debian's alternatives do.
        std::os::unix::fs::symlink(folder.path().join("MuseScore_General.sf3"), folder.path().join("default-GM.sf3"))
            .unwrap();
        std::os::unix::fs::symlink(folder.path().join("TimGM6mb.sf2"), folder.path().join("default-GM.sf2")).unwrap();
        let found = fonts_in([folder.path(), Path::new("/nowhere/at/all")].into_iter());
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["FluidR3_GM.SF2", "FluidR3Mono_GM.sf3", "TimGM6mb.sf2", "zebra.sf2"]);
    }
}

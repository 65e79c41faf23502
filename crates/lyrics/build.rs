//! Prepares the pronouncing dictionary: takes the CMU dictionary out of the package of `cmudict-fast`, cuts comments and
//! sorts it for binary search. Nothing of it stands in this repository.

use std::{env, fs, path::PathBuf};

/// The version whose package is read; the same as in the workspace's manifest.
const PACKAGE: &str = "cmudict-fast-0.8.0";
const FILE: &str = "resources/cmudict.dict";
/// Names the file directly, for builds that keep packages elsewhere.
const OVERRIDE: &str = "DESCANT_CMUDICT";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={OVERRIDE}");
    let Some(path) = dictionary() else {
        panic!("{PACKAGE}/{FILE} is in no package registry of cargo; name the file in {OVERRIDE}");
    };
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{} cannot be read: {why}", path.display()));
    let Some(folder) = env::var_os("OUT_DIR") else { panic!("cargo sets OUT_DIR") };
    let out = PathBuf::from(folder).join("cmudict.txt");
    fs::write(&out, prepared(&text)).unwrap_or_else(|why| panic!("{} cannot be written: {why}", out.display()));
}

/// Where cargo has unpacked the package: it has, because the package is a build dependency of this crate.
fn dictionary() -> Option<PathBuf> {
    if let Some(path) = env::var_os(OVERRIDE) {
        return Some(path.into());
    }
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries.flatten().map(|registry| registry.path().join(PACKAGE).join(FILE)).find(|path| path.is_file())
}

/// Lines `word PH ON EM ES`, sorted by the bytes of the word; variants (`word(2)`) lose their number and keep their order.
fn prepared(text: &str) -> String {
    let mut entries: Vec<(&str, &str)> = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim_end())
        .filter_map(|line| line.split_once(' '))
        .map(|(word, phones)| (word.split('(').next().unwrap_or(word), phones.trim()))
        .filter(|(word, phones)| !word.is_empty() && !phones.is_empty())
        .collect();
    entries.sort_by_key(|(word, _)| *word);
    entries.iter().fold(String::with_capacity(text.len()), |mut sorted, (word, phones)| {
        sorted.push_str(word);
        sorted.push(' ');
        sorted.push_str(phones);
        sorted.push('\n');
        sorted
    })
}

//! Names the version of the offline engine after the sources that its output follows from.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

/// What a song follows from, beside the inputs: crates of ours, and how the stages of jobs call them.
const SOURCES: [&str; 16] = [
    "../arrangement/src",
    "../blend/src",
    "../compose/src",
    "../domain/src",
    "../lyrics/src",
    "../media/src",
    "../models/src",
    "../music/src",
    "../pitch/src",
    "../providers/src",
    "../safety/src",
    "../song/src",
    "../soundfont/src",
    "../speech/src",
    "../voice/src",
    "../../services/orchestrator/src/kinds",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=ENGINE_SOURCES={:016x}", sources_hash());
}

/// Equal sources, equal hash.
fn sources_hash() -> u64 {
    let mut files = Vec::new();
    for folder in SOURCES {
        println!("cargo:rerun-if-changed={folder}");
        collect(Path::new(folder), &mut files);
    }
    files.sort();
    let mut hash = DefaultHasher::new();
    for file in files {
        let content = fs::read(&file).unwrap_or_else(|why| panic!("{} cannot be read: {why}", file.display()));
        (file, content).hash(&mut hash);
    }
    hash.finish()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

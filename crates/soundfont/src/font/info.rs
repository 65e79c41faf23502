//! What a font says of itself, and what is known of those that distributions carry.

use std::collections::BTreeMap;

use super::tables::text;

/// A font, for reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FontInfo {
    /// Name of its file, or `built-in`.
    pub file_name: String,
    /// As it calls itself; may be empty.
    pub title: String,
    /// A known font's licence, else what the font says of its copyright, else that it says nothing.
    pub licence: String,
    /// Whether its samples are compressed (SF3).
    pub is_compressed: bool,
    /// What may be heard of its faults.
    pub warnings: Vec<String>,
}

/// Licences of fonts as their packages in Debian state them, by a word in their file's name.
const LICENCES: [(&str, &str); 6] = [
    ("built-in", "MIT OR Apache-2.0 (part of Descant)"),
    ("fluidr3", "MIT"),
    ("timgm6mb", "GPL-2.0"),
    ("musescore_general", "MIT"),
    ("generaluser", "GeneralUser GS licence 2.0"),
    ("opl3", "CC0-1.0"),
];

/// Fonts that sound wrong here, by a word in their file's name: they need modulators, which the renderer does not know.
const UNFIT: [&str; 1] = ["musescore"];

/// Longest statement that is passed on, in characters.
const MOST_CHARACTERS: usize = 200;

impl FontInfo {
    pub(super) fn new(
        name: &str,
        chunks: &BTreeMap<[u8; 4], Vec<u8>>,
        is_compressed: bool,
        warnings: Vec<String>,
    ) -> Self {
        let said = |name: &[u8; 4]| -> String {
            let text = chunks.get(name).map(|bytes| text(bytes)).unwrap_or_default();
            text.chars().take(MOST_CHARACTERS).collect()
        };
        let title = said(b"INAM");
        let known = [normal(name), normal(&title)];
        let licence = LICENCES.iter().find(|(word, _)| known.iter().any(|name| name.contains(word)));
        let licence = match (licence, said(b"ICOP")) {
            (Some((_, licence)), _) => (*licence).to_owned(),
            (None, copyright) if copyright.is_empty() => "not stated".to_owned(),
            (None, copyright) => copyright,
        };
        Self { file_name: name.to_owned(), title, licence, is_compressed, warnings }
    }
}

/// Whether a font of this name is known to sound wrong.
pub(crate) fn is_unfit(name: &str) -> bool {
    UNFIT.iter().any(|word| normal(name).contains(word))
}

fn normal(name: &str) -> String {
    name.to_lowercase().replace([' ', '.'], "_")
}

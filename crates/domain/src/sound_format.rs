//! Sound formats that a song may be had in beside MP3 and WAV.

use serde::{Deserialize, Serialize};

use crate::field::{InvalidField, list_items, wrong};

/// A sound format that a song may also be had in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraFormat {
    Flac,
    M4a,
    Ogg,
}

impl ExtraFormat {
    pub const ALL: [Self; 3] = [Self::Flac, Self::M4a, Self::Ogg];

    /// Also its file name ending.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flac => "flac",
            Self::M4a => "m4a",
            Self::Ogg => "ogg",
        }
    }
}

/// Formats between commas, each once. Those that there always are may be named too.
pub(crate) fn formats(text: &str) -> Result<Vec<ExtraFormat>, InvalidField> {
    let mut formats = Vec::new();
    for word in list_items(text) {
        if ["mp3", "wav", "mid", "midi"].iter().any(|always| word.eq_ignore_ascii_case(always)) {
            continue;
        }
        let format = ExtraFormat::ALL.into_iter().find(|format| word.eq_ignore_ascii_case(format.as_str()));
        formats.push(format.ok_or_else(|| {
            wrong("formats", "expected a list of flac, m4a and ogg; mp3, wav and mid there always are")
        })?);
    }
    formats.sort_unstable();
    formats.dedup();
    Ok(formats)
}

//! Why a file is not taken into the catalogue.

use music::smf::SmfError;

/// Display is for whoever imports: what is wrong and what to do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// In the words of the reader, as a sentence.
    #[error("{}", sentence(.0))]
    Midi(#[from] SmfError),
    /// There is no file to look at.
    #[error(transparent)]
    File(#[from] archive::Refusal),
    #[error("Nothing in the file's name or in the file says what the song is called; give it a title.")]
    NoName,
    #[error("A title was given, but songs of archives and folders each have their own; leave the title out.")]
    TitleForMany,
    #[error("The song is just being imported or removed by somebody else; try again in a moment.")]
    Busy,
    #[error(
        "The lists of names are more than {most}, have more than {names} lines or more than {} MB together; this one was not read. \
         Import in parts, each with its own list.",
        limit_bytes >> 20
    )]
    ListsTooLarge { most: usize, names: usize, limit_bytes: u64 },
    #[error(
        "The time of one request was over before this file; it and all behind it were not read. Import again: what is there \
         already takes no time."
    )]
    NoTime,
    #[error("The song could not be analysed; that is a defect of ours, please report the file.")]
    NotAnalysed,
}

fn sentence(error: &SmfError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

impl Refusal {
    /// A word that a program can act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File(refusal) => refusal.code(),
            Self::Midi(SmfError::TooLarge { .. }) => "too_large",
            Self::Midi(SmfError::NoNotes) => "no_notes",
            Self::Midi(SmfError::Empty | SmfError::NotMidi(_)) => "not_midi",
            Self::Midi(SmfError::HeaderCutOff | SmfError::NoTimeBase | SmfError::NoTracks) => "midi_damaged",
            Self::NoName => "no_name",
            Self::TitleForMany => "title_for_many",
            Self::Busy => "busy",
            Self::ListsTooLarge { .. } => "lists_too_large",
            Self::NoTime => contracts::NO_TIME,
            Self::NotAnalysed => "not_analysed",
        }
    }
}

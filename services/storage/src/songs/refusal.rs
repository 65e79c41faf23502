//! Why a file is not taken into the catalogue.

use music::smf::SmfError;

/// Display is for whoever imports: what is wrong and what to do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// In the words of the reader, as a sentence.
    #[error("{}", sentence(.0))]
    Midi(#[from] SmfError),
    #[error("The file is larger than {limit_bytes} bytes, the most that a song may have.")]
    TooLarge { limit_bytes: u64 },
    #[error("The archive is larger than {} MB; import it in parts.", limit_bytes >> 20)]
    ArchiveTooLarge { limit_bytes: u64 },
    #[error("There are more than {limit} entries; import them in parts.")]
    TooManyEntries { limit: usize },
    #[error("The archive unpacks to more than {} MB; import it in parts.", limit_bytes >> 20)]
    UnpacksTooLarge { limit_bytes: u64 },
    #[error("The archive unpacks to more than {ratio} times its size, which no archive of songs does.")]
    UnpacksTooMuch { ratio: u64 },
    #[error("This is an archive inside an archive; unpack the outer one and import that folder.")]
    Nested,
    #[error("This is a link; links are not followed. Import what it leads to.")]
    Link,
    #[error("This is neither a file nor a folder.")]
    NotAFile,
    #[error("The folders lie more than {limit} deep in each other.")]
    TooDeep { limit: usize },
    #[error("The entry is encrypted; unpack the archive with its password and import the folder.")]
    Encrypted,
    #[error("The entry is packed with a method that is not read here (only deflate is); pack it as an ordinary zip.")]
    Method,
    #[error("The archive is damaged from here on ({why}); what came before it was read.")]
    Damaged { why: String },
    #[error("The file cannot be read: {why}.")]
    Unreadable { why: String },
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
            Self::Midi(SmfError::TooLarge { .. }) | Self::TooLarge { .. } => "too_large",
            Self::Midi(SmfError::NoNotes) => "no_notes",
            Self::Midi(SmfError::Empty | SmfError::NotMidi(_)) => "not_midi",
            Self::Midi(SmfError::HeaderCutOff | SmfError::NoTimeBase | SmfError::NoTracks) => "midi_damaged",
            Self::ArchiveTooLarge { .. } => "archive_too_large",
            Self::TooManyEntries { .. } => "too_many_entries",
            Self::UnpacksTooLarge { .. } => "unpacks_too_large",
            Self::UnpacksTooMuch { .. } => "unpacks_too_much",
            Self::Nested => "nested_archive",
            Self::Link => "link",
            Self::NotAFile => "not_a_file",
            Self::TooDeep { .. } => "too_deep",
            Self::Encrypted => "encrypted",
            Self::Method => "packing_method",
            Self::Damaged { .. } => "archive_damaged",
            Self::Unreadable { .. } => "unreadable",
            Self::NoName => "no_name",
            Self::TitleForMany => "title_for_many",
            Self::Busy => "busy",
            Self::ListsTooLarge { .. } => "lists_too_large",
            Self::NoTime => contracts::NO_TIME,
            Self::NotAnalysed => "not_analysed",
        }
    }
}

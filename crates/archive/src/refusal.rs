//! Why a file cannot be had.

/// Display is for whoever sent it: what is wrong and what to do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("The file is larger than {limit_bytes} bytes, the most that one may have.")]
    TooLarge { limit_bytes: u64 },
    #[error("The archive is larger than {} MB; import it in parts.", limit_bytes >> 20)]
    ArchiveTooLarge { limit_bytes: u64 },
    #[error("There are more than {limit} entries; import them in parts.")]
    TooManyEntries { limit: usize },
    #[error("The archive unpacks to more than {} MB; import it in parts.", limit_bytes >> 20)]
    UnpacksTooLarge { limit_bytes: u64 },
    #[error("The archive unpacks to more than {ratio} times its size, which no honest one does.")]
    UnpacksTooMuch { ratio: u64 },
    #[error("This is an archive inside an archive; unpack the outer one and import that folder.")]
    Nested,
    #[error("This is a link; links are not followed. Import what it leads to.")]
    Link,
    #[error("This is neither a file nor a folder.")]
    NotAFile,
    #[error("The name leads out of the archive or has characters that no name has; pack the file under a plain name.")]
    OddName,
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
}

impl Refusal {
    /// A word that a program can act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::ArchiveTooLarge { .. } => "archive_too_large",
            Self::TooManyEntries { .. } => "too_many_entries",
            Self::UnpacksTooLarge { .. } => "unpacks_too_large",
            Self::UnpacksTooMuch { .. } => "unpacks_too_much",
            Self::Nested => "nested_archive",
            Self::Link => "link",
            Self::NotAFile => "not_a_file",
            Self::OddName => "odd_name",
            Self::TooDeep { .. } => "too_deep",
            Self::Encrypted => "encrypted",
            Self::Method => "packing_method",
            Self::Damaged { .. } => "archive_damaged",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

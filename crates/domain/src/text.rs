//! What can be said of any text that a person wrote.

/// Whether a character leaves a mark by itself. Blanks and controls do not, nor do joiners, direction marks, fillers,
/// variation selectors, tags (Unicode's Default_Ignorable_Code_Point), the empty Braille pattern, and accents without a
/// letter.
pub(crate) fn is_seen(c: char) -> bool {
    let unseen = matches!(
        c as u32,
        0xad | 0x300..=0x36f
            | 0x61c
            | 0x115f..=0x1160
            | 0x17b4..=0x17b5
            | 0x180b..=0x180f
            | 0x200b..=0x200f
            | 0x202a..=0x202e
            | 0x2060..=0x206f
            | 0x2800
            | 0x3164
            | 0xfe00..=0xfe0f
            | 0xfeff
            | 0xffa0
            | 0xfff0..=0xfffb
            | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a
            | 0xe0000..=0xe0fff
    );
    !(unseen || c.is_whitespace() || c.is_control())
}

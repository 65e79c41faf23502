//! The name under which a song lies and is downloaded: `music/{timestamp}_{name}`, as the older API has it.

use chrono::{DateTime, SecondsFormat, Utc};

/// Longest part that is made of what the song is called, in bytes.
const MAX_NAME_BYTES: usize = 80;

/// The name without its ending. Whatever the song is called, it consists of letters, digits, `_` and `-` of ASCII: nothing
/// of it leads anywhere else, and nothing of it needs escaping in an address.
pub fn object_name(title: &str, at: DateTime<Utc>) -> String {
    let time = at.to_rfc3339_opts(SecondsFormat::Millis, true).replace([':', '.'], "-");
    let mut name = String::new();
    for c in title.trim().chars() {
        let c = if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        // Any run of what cannot stand there is one underscore.
        if name.len() < MAX_NAME_BYTES && !(c == '_' && name.ends_with('_')) {
            name.push(c);
        }
    }
    let name = name.trim_matches(['_', '-']);
    format!("music/{time}_{}", if name.is_empty() { "song" } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_older_apis_and_hostile_ones_are_harmless() {
        let at: DateTime<Utc> = "2024-09-01T00:45:30.123Z".parse().unwrap();
        let check = |title: &str, name: &str| {
            assert_eq!(object_name(title, at), format!("music/2024-09-01T00-45-30-123Z_{name}"), "{title:?}");
        };
        check("My Awesome Song", "My_Awesome_Song");
        check("  Jean-Luc's  ", "Jean-Luc_s");
        check("../../etc/passwd", "etc_passwd");
        check("..\\..\\C:\\x.exe", "C_x_exe");
        check("a\0b\r\nSet-Cookie: x", "a_b_Set-Cookie_x");
        check("<script>\"'`$(rm -rf)", "script_rm_-rf");
        check("Größe 夜 🎵", "Gr_e");
        check("", "song");
        check("....", "song");
        check("🎵🎵", "song");
        check(&"x".repeat(500), &"x".repeat(MAX_NAME_BYTES));
    }
}

//! What an imported song is called. Pure.
//!
//! In this order: what whoever imports says; a list of names that comes with the files ([`super::names_list`]); the
//! file's name, `Artist - Title.mid`; its folder, `Artist/Title.mid`; the title that the file itself says, where its name
//! says nothing (`track 01.mid`). File names go before titles inside files because people see and keep the former: the
//! latter are as often the name of a sequencer, of its owner or of the first track.

use domain::SongName;

use super::names_list::NamesList;

/// What whoever imports says of the songs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wishes {
    /// For a single song.
    pub title: Option<String>,
    /// For all songs.
    pub artist: Option<String>,
}

/// The name of the song in the file at `path` (slashes, below the folder or archive that is imported), which calls itself
/// `own_title`. `None` when nothing says anything.
pub fn name(path: &str, own_title: &str, list: &NamesList, wishes: &Wishes) -> Option<SongName> {
    let parts: Vec<&str> = path.split('/').collect();
    let (file, folders) = parts.split_last()?;
    let stem = stem(file);
    let listed = list.of(path);
    let (from_file, artist_of_file) = split(&stem);
    // The first folder is the source itself: its name is that of a collection.
    let artist_of_folder =
        folders.get(1..).and_then(<[_]>::last).map(|folder| words(folder)).filter(|name| tells(name));
    let own = own_title.trim();
    let own = (!own.is_empty()).then(|| split(own));
    let title = wishes
        .title
        .clone()
        .or_else(|| listed.map(|listed| listed.title.clone()))
        .or_else(|| tells(&from_file).then_some(from_file))
        .or_else(|| own.as_ref().map(|(title, _)| title.clone()))
        .unwrap_or(stem);
    let artist = wishes
        .artist
        .clone()
        .or_else(|| listed.and_then(|listed| listed.artist.clone()))
        .or(artist_of_file)
        .or(artist_of_folder);
    SongName::found(&title, artist.as_deref())
}

/// A file's name without its ending, its underscores and the number that it has in an album.
fn stem(file: &str) -> String {
    const ENDINGS: [&str; 6] = [".mid", ".midi", ".kar", ".rmi", ".smf", ".gz"];
    let mut stem = file;
    while let Some(shorter) = ENDINGS.iter().find_map(|ending| {
        let (rest, last) = stem.split_at_checked(stem.len().checked_sub(ending.len())?)?;
        last.eq_ignore_ascii_case(ending).then_some(rest)
    }) {
        stem = shorter;
    }
    let stem = words(stem);
    let after_number = stem.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = stem.len() - after_number.len();
    let rest = after_number.trim_start_matches([' ', '.', '-', ')']);
    let is_number = (1..=3).contains(&digits) && rest.len() < after_number.len();
    // "99 Red Balloons" keeps its number: only a separator or a leading zero makes it one of an album.
    let marked = after_number.starts_with(['.', ')']) || after_number.starts_with(" - ") || stem.starts_with('0');
    if is_number && marked && tells(rest) { rest.to_owned() } else { stem }
}

/// Underscores are blanks where there are no others.
fn words(name: &str) -> String {
    let name = name.trim();
    if name.contains(' ') { name.to_owned() } else { name.replace('_', " ") }
}

/// `Artist - Title` as title and artist; the first dash counts.
fn split(name: &str) -> (String, Option<String>) {
    let dashes = [" - ", " – ", " — "];
    let first = dashes.iter().filter_map(|dash| Some((name.find(dash)?, dash.len()))).min();
    match first.and_then(|(at, length)| Some((name.get(..at)?.trim(), name.get(at + length..)?.trim()))) {
        Some((artist, title)) if tells(artist) && !title.is_empty() => (title.to_owned(), Some(artist.to_owned())),
        _ => (name.to_owned(), None),
    }
}

/// Whether a name says anything: it has letters, and is not what programs call things.
fn tells(name: &str) -> bool {
    const NOTHING: [&str; 12] =
        ["track", "untitled", "unknown", "song", "midi", "mid", "file", "new", "music", "copy", "temp", "audio"];
    let words: Vec<String> = name.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase).collect();
    let told: Vec<&String> = words.iter().filter(|word| !word.is_empty()).collect();
    !told.is_empty() && !told.iter().all(|word| NOTHING.contains(&word.as_str()))
        || name.chars().filter(char::is_ascii_digit).count() == 4 && told.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, own: &str, expected: &str) {
        let name = name(path, own, &NamesList::default(), &Wishes::default());
        assert_eq!(name.map(|name| name.to_string()).unwrap_or_default(), expected, "{path} {own}");
    }

    #[test]
    fn names_come_from_files_folders_and_songs_in_this_order() {
        check("songs/Queen - Bohemian Rhapsody.mid", "untitled", "Bohemian Rhapsody - Queen");
        check("songs/Queen/Bohemian Rhapsody.MIDI", "", "Bohemian Rhapsody - Queen");
        check("songs/Queen/Live/Queen - Innuendo.kar", "", "Innuendo - Queen");
        check("Bohemian_Rhapsody.mid", "", "Bohemian Rhapsody");
        check("songs/Bohemian Rhapsody.mid", "Sequenced by somebody", "Bohemian Rhapsody");
        check("track01.mid", "Bohemian Rhapsody", "Bohemian Rhapsody");
        check("songs/01.mid", "Bohemian Rhapsody", "Bohemian Rhapsody");
        check("songs/01.mid", "", "01");
        check("songs/01 - Greensleeves.mid", "", "Greensleeves");
        check("songs/03. Greensleeves.mid.gz", "", "Greensleeves");
        check("songs/01 - Queen - Innuendo.mid", "", "Innuendo - Queen");
        check("songs/99 Red Balloons.mid", "", "99 Red Balloons");
        check("songs/1979.mid", "x", "1979");
        check("songs/AC-DC - Back in Black.rmi", "", "Back in Black - AC-DC");
        check("Sigur Rós – Hoppípolla.mid", "", "Hoppípolla - Sigur Rós");
        check("songs/.mid", "", "");
    }

    #[test]
    fn whoever_imports_has_the_first_word_and_a_list_the_second() {
        let list =
            NamesList::read("songs/list.csv", b"file,title,artist\na.mid,Listed,Somebody\n", 10).unwrap().unwrap();
        let listed = name("songs/a.mid", "own", &list, &Wishes::default()).unwrap();
        assert_eq!(listed.to_string(), "Listed - Somebody");
        let wishes = Wishes { title: Some("Wanted".to_owned()), artist: Some("Me".to_owned()) };
        assert_eq!(name("songs/a.mid", "own", &list, &wishes).unwrap().to_string(), "Wanted - Me");
    }
}

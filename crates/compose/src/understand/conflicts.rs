//! Wishes that contradict each other: the first counts, and the others are told.

use music::Mode;

use super::lexicon::Meaning;

/// Keeps what was said first; what contradicts it is told.
pub fn keep<T>(
    own: &mut Option<T>,
    new: T,
    conflicts: &mut Vec<String>,
    contradiction: impl Fn(&T, &T) -> Option<String>,
) {
    match own {
        Some(own) => conflicts.extend(contradiction(own, &new)),
        None => *own = Some(new),
    }
}

/// A song has one key, tonic and mode together: the first that is named.
pub fn keep_key(
    (own_tonic, own_mode): (&mut Option<u8>, &mut Option<Mode>),
    (tonic, mode): (u8, Option<Mode>),
    conflicts: &mut Vec<String>,
) {
    let is_other_mode = own_mode.zip(mode).is_some_and(|(own, other)| own != other);
    match *own_tonic {
        None => {
            if let Some(said) = own_mode.filter(|_| is_other_mode) {
                let name = key_name(tonic, mode);
                conflicts.push(format!("both {} and {name}: the key is {name}", mode_name(said)));
            }
            *own_tonic = Some(tonic);
            *own_mode = mode.or(*own_mode);
        }
        Some(own) if own != tonic || is_other_mode => {
            let (own, other) = (key_name(own, *own_mode), key_name(tonic, mode));
            conflicts.push(format!("both {own} and {other}: the key is {own}"));
        }
        Some(_) => *own_mode = own_mode.or(mode),
    }
}

/// "Minor key" beside a key that may be named already.
pub fn keep_mode(tonic: Option<u8>, own: &mut Option<Mode>, mode: Mode, conflicts: &mut Vec<String>) {
    keep(own, mode, conflicts, |own, other| {
        let name = tonic.map_or_else(|| mode_name(*own).to_owned(), |tonic| key_name(tonic, Some(*own)));
        (own != other).then(|| format!("both {name} and {}: the key is {name}", mode_name(*other)))
    });
}

fn key_name(tonic: u8, mode: Option<Mode>) -> String {
    Meaning::Key(tonic, mode).says().trim_start_matches("key: ").to_owned()
}

const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Major => "major",
        Mode::Minor => "minor",
    }
}

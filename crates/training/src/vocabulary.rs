//! Words about sound that names and tags of recordings may hold. Only these get from there into a caption: what else stands in
//! a name is nobody's business, and teaches nothing.

/// What plays, and what kind of music it is. Longer ones before those that they contain.
const WORDS: [&str; 74] = [
    "acoustic guitar",
    "electric guitar",
    "slide guitar",
    "steel guitar",
    "bass guitar",
    "double bass",
    "drum machine",
    "electric piano",
    "grand piano",
    "hip hop",
    "lo fi",
    "music box",
    "drum and bass",
    "accordion",
    "ambient",
    "banjo",
    "bass",
    "bells",
    "blues",
    "brass",
    "cello",
    "choir",
    "clarinet",
    "classical",
    "country",
    "dance",
    "disco",
    "drums",
    "dubstep",
    "electronic",
    "fiddle",
    "flute",
    "folk",
    "funk",
    "gospel",
    "guitar",
    "harmonica",
    "harp",
    "harpsichord",
    "house",
    "jazz",
    "kalimba",
    "keyboard",
    "latin",
    "mandolin",
    "marimba",
    "metal",
    "oboe",
    "orchestra",
    "organ",
    "percussion",
    "piano",
    "pop",
    "punk",
    "reggae",
    "rhodes",
    "rock",
    "saxophone",
    "sitar",
    "soul",
    "strings",
    "synthesizer",
    "synth",
    "techno",
    "telecaster",
    "trance",
    "trap",
    "trombone",
    "trumpet",
    "ukulele",
    "vibraphone",
    "viola",
    "violin",
    "waltz",
];
/// Most words of one recording.
const MOST: usize = 6;

/// The words that texts hold, in the order in which they come up.
pub fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for text in texts {
        let plain: String =
            text.chars().map(|c| if c.is_alphabetic() { c.to_ascii_lowercase() } else { ' ' }).collect();
        let mut text = format!(" {} ", plain.split_whitespace().collect::<Vec<_>>().join(" "));
        let mut here: Vec<(usize, &'static str)> = Vec::new();
        for word in WORDS {
            let spaced = format!(" {word} ");
            if let Some(at) = text.find(&spaced) {
                here.push((at, word));
                // A part of it is not another word; places stay as they are.
                text = text.replace(&spaced, &format!(" {} ", "_".repeat(word.len())));
            }
        }
        here.sort_unstable();
        found.extend(here.into_iter().map(|(_, word)| word).filter(|word| !found.contains(word)).collect::<Vec<_>>());
    }
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_about_sound_are_taken() {
        let check = |texts: &[&str], expected: &[&str]| assert_eq!(words(texts.iter().copied()), expected, "{texts:?}");
        check(&["My_Telecaster-01 (slide guitar, blues).wav"], &["telecaster", "slide guitar", "blues"]);
        check(&["Bass Guitar take 3", "BASS"], &["bass guitar", "bass"]);
        check(&["Anna Harper, 3rd birthday, private", ""], &[]);
        check(&["harp", "harp harp"], &["harp"]);
        check(&["drums bass piano guitar organ flute violin"], &["drums", "bass", "piano", "guitar", "organ", "flute"]);
    }

    #[test]
    fn longer_words_come_before_their_parts() {
        for (index, word) in WORDS.iter().enumerate() {
            let spaced = format!(" {word} ");
            assert!(WORDS[..index].iter().all(|before| !spaced.contains(&format!(" {before} "))), "{word}");
        }
    }
}

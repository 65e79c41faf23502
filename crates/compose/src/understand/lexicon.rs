//! Words and what they mean.

use std::{collections::BTreeMap, sync::LazyLock};

use domain::options::Language;
use music::Mode;

use super::words::Word;
use crate::{
    genre::Genre,
    instrument::Instrument,
    role::Role,
    style::Style,
    wishes::{Era, Form, Mood},
};

/// What some words ask for.
#[derive(Clone, PartialEq, Debug)]
pub enum Meaning {
    Style(Style),
    Genre(Genre),
    Mood(Mood),
    Bpm(f64),
    /// −1 to 1.
    Pace(f64),
    Key(u8, Option<Mode>),
    Mode(Mode),
    Instrument(Instrument),
    /// A part of the band; only its absence can be asked for.
    Role(Role),
    /// 0 to 1.
    Energy(f64),
    Era(Era),
    Form(Form),
    Seconds(f64),
    Instrumental,
    Sung,
    /// Of the words.
    Language(Language),
}

impl Meaning {
    pub fn says(&self) -> String {
        match self {
            Self::Style(style) => format!("style: {style}"),
            Self::Genre(genre) => format!("genre: {genre}, played as {}", genre.style()),
            Self::Mood(mood) => format!("mood: {mood}"),
            Self::Bpm(bpm) => format!("tempo: {bpm} bpm"),
            Self::Pace(pace) if *pace > 0.2 => "tempo: fast for the style".to_owned(),
            Self::Pace(pace) if *pace < -0.2 => "tempo: slow for the style".to_owned(),
            Self::Pace(_) => "tempo: medium for the style".to_owned(),
            Self::Key(tonic, mode) => {
                let key = music::Key { tonic: *tonic, mode: mode.unwrap_or(Mode::Major), confidence: 1.0 };
                let name = key.to_string();
                let tonic = name.split(' ').next().unwrap_or_default();
                if mode.is_some() { format!("key: {name}") } else { format!("key: {tonic}") }
            }
            Self::Mode(Mode::Major) => "mode: major".to_owned(),
            Self::Mode(Mode::Minor) => "mode: minor".to_owned(),
            Self::Instrument(instrument) => format!("instrument: {instrument}"),
            Self::Role(role) => format!("part: {}", role.name()),
            Self::Energy(energy) => format!("energy: {:.0} %", 100.0 * energy),
            Self::Era(era) => format!("era: {era}"),
            Self::Form(form) => format!("form: {form}"),
            Self::Seconds(seconds) => format!("length: {seconds} s"),
            Self::Instrumental => "instrumental".to_owned(),
            Self::Sung => "with a voice".to_owned(),
            Self::Language(language) => format!("language of words that are sung: {language}"),
        }
    }
}

/// A meaning, and whether the word has others that have nothing to do with music.
#[derive(Clone, PartialEq, Debug)]
pub struct Sense {
    pub meaning: Meaning,
    pub is_ambiguous: bool,
}

impl Sense {
    const fn sure(meaning: Meaning) -> Self {
        Self { meaning, is_ambiguous: false }
    }
}

/// Words of the longest phrase that is known.
const MOST_WORDS: usize = 4;

/// Phrases of a list.
fn listed(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(", ")
}

/// Genres and instruments that are everyday words too.
const AMBIGUOUS: &str = "house, rock, country, soul, folk, trap, swing, western, metal, film, alternative, drone, goa, rave, dub, \
         horn, bells, harp, recorder, whistle, keys, pop, organ, beat, beats, bop, orchestra, irish, cuban, \
         brazilian, voices, nashville, trailer, disco, rap, soundtrack, salsa, lullaby, meditation, 808, heavy, \
         light, hard, cool, bright, warm, emo, jungle, drill, opera, aria, industrial, outrun, gospel, boogie, \
         drum and bass, drum bass";

const MOODS: &[(Mood, &str)] = &[
    (
        Mood::Happy,
        "happy, cheerful, joyful, bright, sunny, uplifting, feel good, merry, glad, positive, optimistic, \
         fröhlich, fröhliches, fröhlicher, heiter, joyeux, alegre",
    ),
    (
        Mood::Sad,
        "sad, melancholic, melancholy, sorrowful, mournful, gloomy, heartbroken, lonely, wistful, bittersweet, \
         nostalgic, traurig, trauriges, triste",
    ),
    (
        Mood::Calm,
        "calm, relaxed, relaxing, peaceful, chill, chilled, mellow, soothing, tranquil, laid back, serene, \
         sleepy, ruhig, ruhiges, tranquilo, calme",
    ),
    (Mood::Dark, "dark, ominous, sinister, haunting, brooding, moody, eerie, spooky, gothic, düster, oscuro, sombre"),
    (
        Mood::Energetic,
        "energetic, upbeat, driving, lively, exciting, pumping, party, danceable, high energy, powerful, \
         aggressive, wild",
    ),
    (Mood::Romantic, "romantic, tender, loving, sentimental, sensual, sweet, warm, intimate, romantisch"),
    (Mood::Epic, "epic, heroic, majestic, triumphant, grand, dramatic, adventurous, inspiring, anthemic"),
    (Mood::Dreamy, "dreamy, ethereal, floating, hypnotic, spacey, mysterious, magical, hazy"),
    (Mood::Tense, "tense, suspenseful, nervous, anxious, urgent, angry, scary"),
    (Mood::Playful, "playful, quirky, funny, whimsical, cute, silly, bouncy, comic"),
];

const PACES: &[(f64, &str)] = &[
    (-0.9, "slow, slowly, very slow, largo, adagio, slow tempo, langsam, langsames, lento, lente"),
    (-0.4, "andante, unhurried, leisurely, slower"),
    (0.0, "medium tempo, mid tempo, midtempo, moderate, moderato, medium"),
    (0.6, "allegro, brisk, up tempo, uptempo, quick, faster"),
    (0.9, "fast, very fast, presto, rapid, frantic, fast tempo, schnell, schnelles, rapide, rápido"),
];

const ENERGIES: &[(f64, &str)] = &[
    (0.15, "quiet, soft, gentle, minimal, sparse, delicate, subtle, low energy, leise, softly, quietly"),
    (0.35, "light, easy"),
    (0.8, "loud, strong, big, heavy, hard, groovy"),
    (0.95, "intense, huge, massive, explosive, bombastic"),
];

const ERAS: &[(u16, &str)] = &[
    (1950, "fifties style"),
    (1960, "vintage, old school, oldschool"),
    (1980, "retro"),
    (2020, "modern, contemporary"),
];

const SUNG: &str = "vocals, vocal, vocalist, vocalists, singing, sung, singer, singers, lyrics, with voice, a voice, male voice, female voice, voice, sing";
const INSTRUMENTAL: &str = "instrumental, instrumental only, instrumentals, karaoke, backing track";

const ROLES: &[(Role, &str)] =
    &[(Role::Melody, "melody, lead, tune, solo"), (Role::Comping, "chords, accompaniment, comping")];

/// Every phrase in small letters, words parted by single spaces.
static SENSES: LazyLock<BTreeMap<String, Sense>> = LazyLock::new(|| {
    let mut senses = BTreeMap::new();
    let mut add = |phrase: &str, meaning: Meaning| {
        let phrase = phrase.replace('-', " ");
        let sense = Sense { is_ambiguous: listed(AMBIGUOUS).any(|word| word == phrase), ..Sense::sure(meaning) };
        // The first to name a phrase keeps it: styles before genres before instruments before moods.
        senses.entry(phrase).or_insert(sense);
    };
    for style in Style::ALL {
        for phrase in style.aliases().iter().copied().chain([style.name()]) {
            add(phrase, Meaning::Style(style));
        }
    }
    for genre in Genre::all() {
        for phrase in genre.aliases().iter().copied().chain([genre.name()]) {
            add(phrase, Meaning::Genre(genre));
        }
    }
    for &instrument in Instrument::ALL {
        for phrase in instrument.aliases().iter().copied().chain([instrument.name()]) {
            add(phrase, Meaning::Instrument(instrument));
        }
    }
    let mut all: Vec<(Meaning, &'static str)> = vec![
        (Meaning::Sung, SUNG),
        (Meaning::Instrumental, INSTRUMENTAL),
        (Meaning::Language(Language::Spanish), "in spanish, en español, auf spanisch"),
        (Meaning::Language(Language::English), "in english, en inglés, auf englisch"),
        (Meaning::Mode(Mode::Major), "major key, in major, dur"),
        (Meaning::Mode(Mode::Minor), "minor key, in minor, moll"),
    ];
    all.extend(MOODS.iter().map(|&(mood, words)| (Meaning::Mood(mood), words)));
    all.extend(PACES.iter().map(|&(pace, words)| (Meaning::Pace(pace), words)));
    all.extend(ENERGIES.iter().map(|&(energy, words)| (Meaning::Energy(energy), words)));
    all.extend(ERAS.iter().map(|&(decade, words)| (Meaning::Era(Era { decade }), words)));
    all.extend(ROLES.iter().map(|&(role, words)| (Meaning::Role(role), words)));
    all.into_iter().for_each(|(meaning, words)| listed(words).for_each(|phrase| add(phrase, meaning.clone())));
    senses
});

/// The longest phrase that begins at a place and does not run over a break.
pub fn longest(words: &[Word], at: usize) -> Option<(usize, Sense)> {
    phrases(words, at).next()
}

/// All phrases that begin at a place and do not run over a break, the longest first.
pub fn phrases(words: &[Word], at: usize) -> impl Iterator<Item = (usize, Sense)> + '_ {
    let until_break =
        words[at..].iter().skip(1).position(|word| word.after_break).map_or(words.len() - at, |rest| rest + 1);
    (1..=MOST_WORDS.min(until_break)).rev().filter_map(move |length| {
        let phrase = words[at..at + length].iter().map(|word| word.plain.as_str()).collect::<Vec<_>>().join(" ");
        SENSES.get(&phrase).map(|sense| (length, sense.clone()))
    })
}

/// Words that rule out what follows: how many, if any begin here. "With" ends a ruling out.
pub fn negation(words: &[Word], at: usize) -> Option<usize> {
    let plain = |ahead: usize| words.get(at + ahead).map_or("", |word| word.plain.as_str());
    match plain(0) {
        // "No. 5" and "no one" aside, what follows is not wanted.
        "no" | "without" | "minus" | "except" | "excluding" | "ohne" | "kein" | "keine" | "sans" | "sin" | "never" => {
            Some(1)
        }
        "not" => Some(1 + usize::from(matches!(plain(1), "too" | "very" | "so" | "really" | "overly"))),
        "don't" | "do" | "dont" if plain(0) != "do" || plain(1) == "not" => {
            let skip = if plain(0) == "do" { 2 } else { 1 };
            Some(skip + usize::from(matches!(plain(skip), "use" | "add" | "include" | "want" | "play" | "have")))
        }
        "with" if plain(1) == "no" => Some(2),
        "with" => Some(1),
        _ => None,
    }
}

/// Words between a "no" and its noun, at most.
const MOST_ADJECTIVES: usize = 3;

/// How many words stand between a ruling out that ends before a place and the player, part or singer that it is about: "no
/// [screaming] guitars", "no [loud 80s] synths". `None` where no such noun follows.
pub fn adjectives(words: &[Word], from: usize) -> Option<usize> {
    let mut place = from;
    let mut count = 0;
    loop {
        let word = words.get(place).filter(|word| place == from || !word.after_break)?;
        let plain = word.plain.as_str();
        if parts_a_noun(plain) || count > MOST_ADJECTIVES {
            return None;
        }
        let found = longest(words, place);
        if let Some((_, Sense { meaning: Meaning::Instrument(_) | Meaning::Role(_) | Meaning::Sung, .. })) = found {
            return Some(place - from);
        }
        if !is_filler(plain) {
            count += 1;
        }
        let describes = matches!(
            &found,
            Some((
                _,
                Sense {
                    meaning: Meaning::Style(_)
                        | Meaning::Genre(_)
                        | Meaning::Mood(_)
                        | Meaning::Pace(_)
                        | Meaning::Energy(_)
                        | Meaning::Era(_),
                    ..
                }
            ))
        );
        place += found.filter(|_| describes).map_or(1, |(length, _)| length);
    }
}

/// Words that do not stand between an adjective and its noun.
fn parts_a_noun(word: &str) -> bool {
    joins(word) && word != "any"
        || goes_against(word)
        || matches!(
            word,
            "with"
                | "for"
                | "in"
                | "on"
                | "to"
                | "from"
                | "by"
                | "at"
                | "as"
                | "is"
                | "it"
                | "its"
                | "be"
                | "that"
                | "this"
                | "i"
                | "me"
                | "we"
                | "us"
                | "you"
                | "please"
                | "then"
                | "also"
                | "song"
                | "songs"
                | "music"
                | "track"
                | "tune"
                | "piece"
                | "style"
                | "play"
                | "plays"
                | "played"
                | "playing"
                | "plus"
        )
}

/// Phrases with a "no" in them that rule nothing out.
const IDIOMS: &str = "not only, not just, not merely, not simply, not least, not to mention, do not forget, don't forget, \
         dont forget, never forget, do not leave out, don't leave out, do not omit, don't omit, do not skip, don't skip, \
         do not hesitate, don't hesitate, do not be afraid, don't be afraid, without a doubt, without doubt, \
         without question, without fail, without further ado, no doubt, no matter, no problem, no wonder, no less than, \
         no nonsense, no frills, no strings attached, no one, never mind, why not, nicht nur, no sólo, no solo, pas seulement";

/// How many words of such a phrase begin here, if any do.
pub fn idiom(words: &[Word], at: usize) -> Option<usize> {
    listed(IDIOMS).find_map(|idiom| {
        let length = idiom.split(' ').count();
        let here = words.get(at..at + length)?;
        let is_whole = here.iter().skip(1).all(|word| !word.after_break);
        (is_whole && here.iter().map(|word| word.plain.as_str()).eq(idiom.split(' '))).then_some(length)
    })
}

/// Words that end a ruling out: what follows them is wanted.
pub fn goes_against(word: &str) -> bool {
    matches!(word, "but" | "only" | "just" | "mit" | "con" | "avec" | "aber" | "sondern" | "pero" | "mais" | "nur")
}

/// Words that carry a ruling out on to what follows.
pub fn joins(word: &str) -> bool {
    matches!(word, "or" | "nor" | "and" | "any" | "oder" | "und" | "ou")
}

/// Words after which a genre is one: "a house track".
pub fn is_music(word: &str) -> bool {
    const NOUNS: &str = "music, song, songs, beat, beats, track, tracks, tune, style, groove, band, piece, ballad, vibe, vibes, \
         feel, jam, loop, anthem, instrumental, bpm, rhythm, rhythms, riff, riffs, sound, genre, section, melody, \
         solo, guitar, guitars, drums, bass, piano, waltz, theme, number";
    listed(NOUNS).any(|noun| noun == word)
}

/// Joining words after which an adjective still belongs to what is ruled out; after "and" it begins something else: "no drums and
/// a soft piano".
pub fn is_or(word: &str) -> bool {
    matches!(word, "or" | "nor" | "oder" | "ou")
}

pub fn is_determiner(word: &str) -> bool {
    matches!(word, "a" | "an" | "the" | "my" | "your" | "our" | "his" | "her" | "their" | "its" | "this" | "that")
}

/// Words that say nothing of the music by themselves.
pub fn is_filler(word: &str) -> bool {
    const FILLERS: &str = "a, an, the, and, or, but, with, for, of, in, on, to, from, by, at, as, is, it, its, be, that, this, \
         some, something, i, me, my, we, us, you, your, please, make, create, compose, write, generate, give, \
         want, need, would, like, music, song, songs, track, tune, piece, style, genre, sound, sounds, sounding, \
         feel, feeling, vibe, vibes, mood, key, tempo, bpm, long, short, very, really, quite, bit, little, lot, \
         more, less, so, too, just, only, also, featuring, feat, using, played, plays, playing, play, section, \
         line, part, band, theme, background, over, under, then, about, around, have, has, should, can, could, \
         will, length, duration, lasting, kind, type, sort, nice, good, great, beautiful, cool, ein, eine, einen, \
         der, die, das, und, mit, für, lied, musik, un, une, una, el, la, le, les, los, con, avec, y, et, de, \
         canción, canciones, para, per, note, notes, any, all, out, up, groove, rhythm, touch, hint";
    listed(FILLERS).any(|filler| filler == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_no_word_twice_and_no_stray_spaces() {
        let lists = [MOODS.iter().map(|(_, words)| *words).collect::<Vec<_>>().join(", "), AMBIGUOUS.to_owned()];
        for list in lists {
            let mut words: Vec<&str> = list.split(", ").collect();
            assert!(
                words.iter().all(|word| !word.is_empty() && word.trim() == *word && !word.contains("  ")),
                "{words:?}"
            );
            words.sort_unstable();
            assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{words:?}");
        }
    }
}

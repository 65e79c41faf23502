//! Genres that have no style of their own: each is played in the nearest one, at its own tempo and on its own instruments where
//! that is simple, and the answer says so.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{role::Role, style::Style};

/// Slowest, usual, fastest; quarters per minute.
pub type TempoRange = (f64, f64, f64);

/// How a genre is played for want of a style.
struct Row {
    name: &'static str,
    /// In small letters, words parted by single spaces.
    aliases: &'static [&'static str],
    style: Style,
    /// That of the style if absent.
    tempo: Option<TempoRange>,
    /// General MIDI programs where they are not those of the style.
    programs: &'static [(Role, u8)],
}

/// A genre that has no style of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Genre(usize);

impl Genre {
    pub fn all() -> impl Iterator<Item = Self> {
        (0..ROWS.len()).map(Self)
    }

    const fn row(self) -> &'static Row {
        &ROWS[self.0]
    }

    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Other words for it.
    pub const fn aliases(self) -> &'static [&'static str] {
        self.row().aliases
    }

    /// The style in which it is played.
    pub const fn style(self) -> Style {
        self.row().style
    }

    /// That it is played in another's style, for people.
    pub(crate) fn note(self) -> String {
        format!("there is no {self} style: it is played as {}", self.style())
    }

    pub(crate) const fn tempo(self) -> Option<TempoRange> {
        self.row().tempo
    }

    pub(crate) const fn programs(self) -> &'static [(Role, u8)] {
        self.row().programs
    }
}

impl fmt::Display for Genre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no genre that is known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no such genre is known")]
pub struct UnknownGenre;

impl FromStr for Genre {
    type Err = UnknownGenre;

    /// By name or alias; case, hyphens and underscores make no difference.
    fn from_str(text: &str) -> Result<Self, UnknownGenre> {
        let plain = |text: &str| {
            let spaced = text.to_lowercase().replace(['-', '_'], " ");
            spaced.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let wanted = plain(text);
        let is_named = |genre: &Self| plain(genre.name()) == wanted || genre.aliases().contains(&wanted.as_str());
        Self::all().find(is_named).ok_or(UnknownGenre)
    }
}

impl TryFrom<String> for Genre {
    type Error = UnknownGenre;

    fn try_from(text: String) -> Result<Self, UnknownGenre> {
        text.parse()
    }
}

impl From<Genre> for String {
    fn from(genre: Genre) -> Self {
        genre.name().to_owned()
    }
}

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    style: Style,
    tempo: Option<TempoRange>,
    programs: &'static [(Role, u8)],
) -> Row {
    Row { name, aliases, style, tempo, programs }
}

const fn bpm(slowest: f64, usual: f64, fastest: f64) -> Option<TempoRange> {
    Some((slowest, usual, fastest))
}

use Role::{Bass, Comping, Melody, Pad};

/// Sawtooth lead, polysynth, warm pad, synth bass.
const SYNTHS: &[(Role, u8)] = &[(Melody, 81), (Comping, 90), (Pad, 89), (Bass, 38)];
const DISTORTED: &[(Role, u8)] = &[(Melody, 30), (Comping, 30)];

/// Tempos are what disc jockeys and dance teachers call usual; those of half-time genres count their slow beat.
static ROWS: [Row; 58] = [
    row(
        "drum and bass",
        &["drum n bass", "drum'n'bass", "drum bass", "drum 'n' bass", "dnb", "d&b", "jungle"],
        Style::House,
        bpm(168.0, 174.0, 180.0),
        &[],
    ),
    row("techno", &["minimal techno", "detroit techno"], Style::House, bpm(126.0, 132.0, 142.0), &[]),
    row("edm", &["electronic dance music", "big room", "future bass"], Style::House, None, &[]),
    row("electronic", &["electronica", "electronic music", "electro", "idm"], Style::House, None, &[]),
    row("eurodance", &["euro dance", "eurobeat"], Style::House, bpm(132.0, 140.0, 152.0), &[]),
    row("uk garage", &["garage house", "speed garage", "2 step garage"], Style::House, bpm(128.0, 132.0, 136.0), &[]),
    row("breakbeat", &["breakbeats", "big beat"], Style::House, bpm(120.0, 130.0, 140.0), &[]),
    row("amapiano", &[], Style::House, bpm(108.0, 113.0, 118.0), &[]),
    row("hardstyle", &["hardcore techno", "gabber"], Style::Trance, bpm(145.0, 150.0, 165.0), &[]),
    row("psytrance", &["psy trance", "goa", "goa trance"], Style::Trance, bpm(138.0, 145.0, 150.0), &[]),
    row("synthwave", &["synth wave", "retrowave", "outrun"], Style::Pop, bpm(84.0, 104.0, 118.0), SYNTHS),
    row("synthpop", &["synth pop", "electropop", "electro pop", "new wave"], Style::Pop, None, SYNTHS),
    row("hyperpop", &[], Style::Pop, bpm(130.0, 150.0, 166.0), SYNTHS),
    row("k-pop", &["kpop"], Style::Pop, None, &[]),
    row("j-pop", &["jpop"], Style::Pop, None, &[]),
    row("bollywood", &["filmi"], Style::Pop, None, &[]),
    row(
        "chiptune",
        &["chiptunes", "8 bit", "8bit", "video game music"],
        Style::Pop,
        bpm(110.0, 136.0, 156.0),
        &[(Melody, 80), (Comping, 80), (Pad, 81), (Bass, 38)],
    ),
    row(
        "metal",
        &[
            "heavy metal",
            "thrash metal",
            "death metal",
            "black metal",
            "doom metal",
            "power metal",
            "nu metal",
            "metalcore",
        ],
        Style::Rock,
        bpm(110.0, 146.0, 180.0),
        DISTORTED,
    ),
    row("punk", &["punk rock", "pop punk", "hardcore punk"], Style::Rock, bpm(150.0, 168.0, 196.0), DISTORTED),
    row("grunge", &[], Style::Rock, bpm(96.0, 116.0, 132.0), DISTORTED),
    row("emo", &["screamo", "post hardcore"], Style::Rock, None, DISTORTED),
    row("shoegaze", &["post rock"], Style::Rock, bpm(84.0, 108.0, 126.0), &[]),
    row("industrial", &["industrial rock", "ebm"], Style::Rock, bpm(100.0, 120.0, 136.0), DISTORTED),
    row("rockabilly", &[], Style::Rock, bpm(144.0, 168.0, 192.0), &[(Melody, 27), (Comping, 27), (Bass, 32)]),
    row("gospel", &["gospel music"], Style::Soul, None, &[(Comping, 16), (Pad, 52)]),
    row("opera", &["operatic", "operetta", "aria"], Style::Cinematic, None, &[(Melody, 53)]),
    row(
        "classical",
        &["classical music", "baroque", "baroque music", "chamber music"],
        Style::Cinematic,
        None,
        &[(Melody, 40)],
    ),
    row("musical theatre", &["musical theater", "broadway", "show tune"], Style::Ballad, None, &[(Comping, 0)]),
    row("lullaby", &["cradle song"], Style::Ballad, bpm(60.0, 66.0, 76.0), &[]),
    row("dubstep", &["brostep"], Style::HipHop, bpm(68.0, 70.0, 74.0), &[(Melody, 81), (Bass, 38)]),
    row("trap", &["trap beat", "trap music"], Style::HipHop, bpm(64.0, 70.0, 80.0), &[(Bass, 38)]),
    row("drill", &["drill music", "uk drill"], Style::HipHop, bpm(68.0, 71.0, 76.0), &[(Bass, 38)]),
    row("trip hop", &["triphop", "downtempo"], Style::LoFi, bpm(70.0, 84.0, 98.0), &[]),
    row("vaporwave", &["vapor wave", "chillwave"], Style::LoFi, bpm(62.0, 72.0, 88.0), SYNTHS),
    row("reggaeton", &["regueton", "dembow"], Style::Reggae, bpm(88.0, 94.0, 100.0), &[]),
    row("dancehall", &[], Style::Reggae, bpm(90.0, 96.0, 106.0), &[]),
    row("dub", &[], Style::Reggae, bpm(66.0, 72.0, 82.0), &[]),
    row("rocksteady", &["rock steady"], Style::Reggae, bpm(78.0, 86.0, 96.0), &[]),
    row("afrobeat", &["afrobeats", "afro beat", "afropop", "highlife"], Style::Funk, bpm(98.0, 110.0, 126.0), &[]),
    row("flamenco", &["flamenca"], Style::Folk, bpm(96.0, 116.0, 140.0), &[(Melody, 24), (Comping, 24)]),
    row(
        "tango",
        &["argentine tango", "tangos"],
        Style::ChaCha,
        bpm(110.0, 120.0, 130.0),
        &[(Melody, 40), (Comping, 21)],
    ),
    row("bolero", &[], Style::Bossa, bpm(84.0, 96.0, 112.0), &[(Comping, 24)]),
    row("merengue", &[], Style::Salsa, bpm(124.0, 142.0, 160.0), &[(Melody, 65), (Comping, 21)]),
    row("cumbia", &[], Style::ChaCha, bpm(84.0, 94.0, 106.0), &[(Melody, 21)]),
    row("bachata", &[], Style::ChaCha, bpm(116.0, 126.0, 136.0), &[(Melody, 24), (Comping, 25)]),
    row("calypso", &["soca"], Style::Samba, bpm(100.0, 114.0, 128.0), &[(Melody, 114)]),
    row("celtic", &["irish", "irish folk", "celtic folk"], Style::Folk, None, &[(Melody, 73)]),
    row("klezmer", &[], Style::Folk, bpm(96.0, 116.0, 144.0), &[(Melody, 71), (Comping, 21)]),
    row("mariachi", &["ranchera"], Style::Folk, bpm(96.0, 112.0, 132.0), &[(Melody, 56), (Comping, 24)]),
    row("polka", &["polkas"], Style::Folk, bpm(108.0, 120.0, 136.0), &[(Melody, 21)]),
    row("nursery rhyme", &["children's song", "kids song", "nursery song"], Style::Folk, None, &[]),
    row("bebop", &["bop", "hard bop"], Style::JazzSwing, bpm(180.0, 214.0, 240.0), &[]),
    row("dixieland", &["trad jazz", "new orleans jazz"], Style::JazzSwing, bpm(140.0, 172.0, 200.0), &[(Melody, 56)]),
    row("ragtime", &[], Style::JazzSwing, bpm(112.0, 132.0, 160.0), &[(Melody, 3), (Comping, 3)]),
    row("electro swing", &["electroswing"], Style::JazzSwing, bpm(118.0, 126.0, 134.0), &[]),
    row("boogie woogie", &["boogie"], Style::Blues, bpm(124.0, 146.0, 172.0), &[(Comping, 0)]),
    row("delta blues", &[], Style::Blues, bpm(76.0, 88.0, 104.0), &[(Melody, 22), (Comping, 25)]),
    row("breakcore", &["speedcore"], Style::Trance, bpm(160.0, 178.0, 200.0), &[]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{LEAST_BPM, MOST_BPM};

    #[test]
    fn every_genre_is_read_back_and_is_no_style() {
        let mut seen = BTreeSet::new();
        for genre in Genre::all() {
            assert_eq!(genre.name().parse(), Ok(genre));
            assert_eq!(serde_json::to_string(&genre).unwrap(), format!("\"{genre}\""));
            assert_eq!(serde_json::from_str::<Genre>(&format!("\"{genre}\"")).unwrap(), genre);
            for name in genre.aliases().iter().copied().chain([genre.name()]) {
                assert_eq!(name.parse(), Ok(genre), "{name}");
                assert!(name.parse::<Style>().is_err(), "{name} is a style");
                assert!(seen.insert(name), "{name} names two");
            }
            if let Some((slowest, usual, fastest)) = genre.tempo() {
                assert!(LEAST_BPM <= slowest && slowest < usual && usual < fastest && fastest <= MOST_BPM, "{genre}");
            }
        }
        assert_eq!("zydeco".parse::<Genre>(), Err(UnknownGenre));
    }
}

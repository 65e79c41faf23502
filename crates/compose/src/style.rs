//! The styles by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How a band plays. What each plays stands in its own file under `styles/`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    Pop,
    Rock,
    Ballad,
    Folk,
    Country,
    Bluegrass,
    Blues,
    JazzSwing,
    Bossa,
    Samba,
    Waltz,
    Reggae,
    Ska,
    Salsa,
    ChaCha,
    Funk,
    Soul,
    Disco,
    House,
    Trance,
    HipHop,
    LoFi,
    Cinematic,
    Ambient,
}

impl Style {
    pub const COUNT: usize = 24;
    pub const ALL: [Self; Self::COUNT] = [
        Self::Pop,
        Self::Rock,
        Self::Ballad,
        Self::Folk,
        Self::Country,
        Self::Bluegrass,
        Self::Blues,
        Self::JazzSwing,
        Self::Bossa,
        Self::Samba,
        Self::Waltz,
        Self::Reggae,
        Self::Ska,
        Self::Salsa,
        Self::ChaCha,
        Self::Funk,
        Self::Soul,
        Self::Disco,
        Self::House,
        Self::Trance,
        Self::HipHop,
        Self::LoFi,
        Self::Cinematic,
        Self::Ambient,
    ];

    /// As it is written in options and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pop => "pop",
            Self::Rock => "rock",
            Self::Ballad => "ballad",
            Self::Folk => "folk",
            Self::Country => "country",
            Self::Bluegrass => "bluegrass",
            Self::Blues => "blues",
            Self::JazzSwing => "jazz-swing",
            Self::Bossa => "bossa",
            Self::Samba => "samba",
            Self::Waltz => "waltz",
            Self::Reggae => "reggae",
            Self::Ska => "ska",
            Self::Salsa => "salsa",
            Self::ChaCha => "cha-cha",
            Self::Funk => "funk",
            Self::Soul => "soul",
            Self::Disco => "disco",
            Self::House => "house",
            Self::Trance => "trance",
            Self::HipHop => "hip-hop",
            Self::LoFi => "lo-fi",
            Self::Cinematic => "cinematic",
            Self::Ambient => "ambient",
        }
    }

    /// Other names, and kinds of it; in small letters, words parted by single spaces. What is played in this style for want of
    /// its own is a [`Genre`](crate::Genre).
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Pop => &["pop music", "indie pop", "pop song"],
            Self::Rock => {
                &["rock and roll", "rock n roll", "rock music", "hard rock", "indie rock", "garage rock", "alternative"]
            }
            Self::Ballad => &["power ballad", "slow song", "love song", "ballade", "balada"],
            Self::Folk => &["folk music", "acoustic folk", "singer songwriter", "campfire", "americana", "acoustic"],
            Self::Country => &["country music", "honky tonk", "country and western", "western", "nashville"],
            Self::Bluegrass => &["blue grass", "hoedown", "newgrass"],
            Self::Blues => &["12 bar blues", "twelve bar blues", "shuffle", "rhythm n blues"],
            Self::JazzSwing => &["jazz", "swing", "jazz swing", "big band", "jazzy", "cool jazz"],
            Self::Bossa => &["bossa nova", "bossanova"],
            Self::Samba => &["batucada", "brazilian"],
            Self::Waltz => &["viennese waltz", "walz", "valse", "vals"],
            Self::Reggae => &["roots reggae", "one drop"],
            Self::Ska => &["two tone", "ska punk", "2 tone"],
            Self::Salsa => &["mambo", "son montuno", "latin", "rumba", "guaracha", "cuban", "son cubano"],
            Self::ChaCha => &["cha cha cha", "chacha", "chachacha", "cha cha"],
            Self::Funk => &["funky", "p funk", "jazz funk"],
            Self::Soul => &["r&b", "rnb", "r n b", "rhythm and blues", "motown", "neo soul", "soulful"],
            Self::Disco => &["nu disco", "euro disco"],
            Self::House => &[
                "house music",
                "deep house",
                "tech house",
                "club music",
                "dance music",
                "electro house",
                "progressive house",
            ],
            Self::Trance => &["uplifting trance", "hard trance", "rave"],
            Self::HipHop => &["hip hop", "hiphop", "rap", "boom bap", "rap beat"],
            Self::LoFi => &["lofi", "lo fi", "chillhop", "lofi hip hop", "lo fi hip hop", "study beats", "chill beats"],
            Self::Cinematic => &[
                "film music",
                "film score",
                "movie score",
                "soundtrack",
                "trailer",
                "orchestral",
                "symphonic",
                "film",
                "score music",
                "epic orchestral",
                "trailer music",
            ],
            Self::Ambient => &[
                "drone",
                "soundscape",
                "meditation",
                "new age",
                "background drone",
                "atmospheric",
                "chillout",
                "spa music",
            ],
        }
    }

    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no style.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no style \"{given}\"; there are: {}", Style::ALL.map(Style::name).join(", "))]
pub struct UnknownStyle {
    pub given: String,
}

impl FromStr for Style {
    type Err = UnknownStyle;

    /// By name or alias; case, hyphens and underscores make no difference.
    fn from_str(text: &str) -> Result<Self, UnknownStyle> {
        let plain = |text: &str| {
            let spaced = text.to_lowercase().replace(['-', '_'], " ");
            spaced.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let wanted = plain(text);
        let found = Self::ALL
            .into_iter()
            .find(|style| plain(style.name()) == wanted || style.aliases().iter().any(|alias| *alias == wanted));
        found.ok_or_else(|| UnknownStyle { given: text.chars().take(60).collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_and_alias_is_read_back_and_belongs_to_one() {
        let mut seen = BTreeSet::new();
        for style in Style::ALL {
            assert_eq!(Style::ALL[style.index()], style);
            assert_eq!(style.name().parse(), Ok(style));
            assert_eq!(serde_json::to_string(&style).unwrap(), format!("\"{style}\""));
            assert_eq!(style.name().to_uppercase().replace('-', "_").parse(), Ok(style));
            for alias in style.aliases() {
                assert_eq!(alias.parse(), Ok(style), "{alias}");
                assert!(seen.insert(*alias), "{alias} has two styles");
            }
        }
        let error = "polka".parse::<Style>().unwrap_err();
        assert!(error.to_string().contains("polka") && error.to_string().contains("lo-fi"), "{error}");
    }
}

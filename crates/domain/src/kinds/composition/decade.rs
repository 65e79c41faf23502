//! A decade whose sounds are wanted.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

/// By its first year, from 1920 to 2020; written `1980s`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decade(u16);

impl Decade {
    pub const YEARS: RangeInclusive<u16> = 1_920..=2_020;

    pub const fn first_year(self) -> u16 {
        self.0
    }
}

/// The text names no decade.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected a decade from {}s to {}s, such as 1980s or 80s", Decade::YEARS.start(), Decade::YEARS.end())]
pub struct InvalidDecade;

impl FromStr for Decade {
    type Err = InvalidDecade;

    /// `1980s`, `1980`, `80s`. Two digits are of the last century, from the thirties on: before, they would be of either.
    fn from_str(text: &str) -> Result<Self, InvalidDecade> {
        let text = text.trim().trim_start_matches(['\'', '’']).to_ascii_lowercase();
        let digits = text.strip_suffix("'s").or_else(|| text.strip_suffix('s')).unwrap_or(&text);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let year = digits.parse::<u16>().ok().filter(|_| is_number);
        let year = match (digits.len(), year) {
            (4, Some(year)) => year,
            (2, Some(short @ 30..)) => 1_900 + short,
            _ => return Err(InvalidDecade),
        };
        if Self::YEARS.contains(&year) && year % 10 == 0 { Ok(Self(year)) } else { Err(InvalidDecade) }
    }
}

impl fmt::Display for Decade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

impl TryFrom<String> for Decade {
    type Error = InvalidDecade;

    fn try_from(text: String) -> Result<Self, InvalidDecade> {
        text.parse()
    }
}

impl From<Decade> for String {
    fn from(decade: Decade) -> Self {
        decade.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_read_as_people_write_them() {
        for (text, year) in
            [("1980s", 1_980), ("1980", 1_980), (" 80s ", 1_980), ("'90s", 1_990), ("1920S", 1_920), ("2020s", 2_020)]
        {
            assert_eq!(text.parse::<Decade>().map(Decade::first_year), Ok(year), "{text}");
        }
        for text in ["", "s", "1985", "1910s", "2030s", "20s", "0s", "80", "eighties", "+980s", "1980ss"] {
            let is_short = text == "80";
            assert_eq!(text.parse::<Decade>().is_ok(), is_short, "{text}");
        }
        let decade: Decade = "80s".parse().unwrap();
        assert_eq!(serde_json::to_string(&decade).unwrap(), "\"1980s\"");
        assert_eq!(serde_json::from_str::<Decade>("\"1980s\"").unwrap(), decade);
        assert!("1985".parse::<Decade>().unwrap_err().to_string().contains("1920s to 2020s"));
    }
}

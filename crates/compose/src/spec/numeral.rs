//! Roman numerals.

use music::{Key, Mode};

use crate::chord::{Chord, Quality};

/// A chord by its degree: `ii7`, `bVII`, `V7sus4`, `#ivdim7`. Capitals are major, small letters minor; what follows is a kind
/// of chord. Degrees are those of the major scale, or in minor of the natural minor scale, with `b` or `#` before them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numeral {
    degree: usize,
    shift: i32,
    quality: Quality,
}

impl Numeral {
    pub fn parse(text: &str) -> Option<Self> {
        let (shift, rest) = match text.chars().next()? {
            'b' => (-1, &text[1..]),
            '#' => (1, &text[1..]),
            _ => (0, text),
        };
        let length = rest.find(|letter| !matches!(letter, 'I' | 'V' | 'i' | 'v')).unwrap_or(rest.len());
        let (letters, suffix) = rest.split_at(length);
        const DEGREES: [&str; 7] = ["I", "II", "III", "IV", "V", "VI", "VII"];
        let degree = DEGREES.iter().position(|degree| *degree == letters.to_uppercase())?;
        let is_minor = letters.starts_with(char::is_lowercase);
        if letters.chars().any(char::is_uppercase) && letters.chars().any(char::is_lowercase) {
            return None;
        }
        // `vii` with `dim` or `m7b5` is written without a second m.
        let names = [format!("C{}{suffix}", if is_minor { "m" } else { "" }), format!("C{suffix}")];
        let quality = names.iter().find_map(|name| Chord::parse(name))?.quality;
        Some(Self { degree, shift, quality })
    }

    pub fn in_key(&self, key: &Key) -> Chord {
        let scale = match key.mode {
            Mode::Major => [0, 2, 4, 5, 7, 9, 11],
            Mode::Minor => [0, 2, 3, 5, 7, 8, 10],
        };
        let root = (i32::from(key.tonic) + scale[self.degree] + self.shift).rem_euclid(12);
        Chord::new(root as u8, self.quality)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_are_read_in_major_and_minor() {
        let check = |text: &str, tonic, mode, expected: &str| {
            let key = Key { tonic, mode, confidence: 1.0 };
            assert_eq!(Numeral::parse(text).unwrap().in_key(&key).name_in(&key), expected, "{text}");
        };
        check("I", 0, Mode::Major, "C");
        check("vi7", 0, Mode::Major, "Am7");
        check("bVII", 2, Mode::Major, "C");
        check("viidim", 0, Mode::Major, "Bdim");
        check("iim7b5", 9, Mode::Minor, "Bm7b5");
        check("VI", 9, Mode::Minor, "F");
        check("V7b9", 9, Mode::Minor, "E7b9");
        check("#ivdim7", 0, Mode::Major, "F#dim7");
        check("Imaj9", 5, Mode::Major, "Fmaj9");
        for text in ["", "b", "Iv", "VIII", "I?", "7", "H"] {
            assert_eq!(Numeral::parse(text), None, "{text}");
        }
    }
}

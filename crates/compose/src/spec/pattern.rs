//! Patterns: a letter for each step.

/// What a drum does at a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hit {
    Rest,
    /// `g`
    Ghost,
    /// `x`
    Normal,
    /// `X`
    Accent,
    /// `o`: played by some seeds, and then in every bar of the pattern.
    Maybe,
    /// `?`: a ghost note that comes and goes from bar to bar.
    Loose,
}

impl Hit {
    pub const fn of(letter: char) -> Option<Self> {
        Some(match letter {
            '.' => Self::Rest,
            'g' => Self::Ghost,
            'x' => Self::Normal,
            'X' => Self::Accent,
            'o' => Self::Maybe,
            '?' => Self::Loose,
            _ => return None,
        })
    }
}

/// Drums that play together: General MIDI key, steps. All are whole bars.
#[derive(Clone, Debug, Default)]
pub struct Lanes(pub Vec<(u8, Vec<Hit>)>);

/// General MIDI keys of the letters of drums.
pub const fn drum(letter: char) -> Option<u8> {
    Some(match letter {
        'K' => 36,
        'S' => 38,
        // Side stick.
        'R' => 37,
        'C' => 39,
        'H' => 42,
        // Pedal, open.
        'F' => 44,
        'O' => 46,
        // Low, middle and high tom.
        'l' => 45,
        'm' => 47,
        'h' => 50,
        'Y' => 49,
        // Ride and its bell.
        'P' => 51,
        'B' => 53,
        'T' => 54,
        'W' => 56,
        // Conga: open high, slap, low; timbale.
        'c' => 63,
        's' => 62,
        'd' => 64,
        'i' => 65,
        'a' => 67,
        'b' => 68,
        'M' => 70,
        'G' => 73,
        'L' => 75,
        // Surdo: mute and open (as mute and open triangle have no part in a batucada, the kit's low toms).
        'u' => 43,
        'U' => 41,
        'E' => 82,
        _ => return None,
    })
}

/// What a bass, a chord instrument or a tune does at a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stroke {
    Rest,
    /// `-`: what was struck goes on.
    Hold,
    /// `R` `3` `5` `6` `7` `8` in a bass: root, third, fifth, sixth, seventh, octave. In chords digits are voices from below,
    /// the first 0.
    Degree(u8),
    /// `r`: root, soft and short.
    Dead,
    /// `A`: leads into the next chord's root.
    Approach,
    /// `N`: the next chord's root, early.
    Next,
    /// `X`, `x`, `g`: the whole chord (or a note of the tune), accented, plain, muted.
    Accent,
    Plain,
    Muted,
    /// `o`: as `x`, in some seeds only.
    Maybe,
}

/// A line of strokes. Whole bars.
#[derive(Clone, Debug)]
pub struct Line(pub Vec<Stroke>);

impl Line {
    pub const ROOT: u8 = 1;

    pub fn bass(letter: char) -> Option<Stroke> {
        Some(match letter {
            '.' => Stroke::Rest,
            '-' => Stroke::Hold,
            'R' => Stroke::Degree(Self::ROOT),
            '3' | '5' | '6' | '7' | '8' => Stroke::Degree(letter as u8 - b'0'),
            'r' => Stroke::Dead,
            'A' => Stroke::Approach,
            'N' => Stroke::Next,
            'o' => Stroke::Maybe,
            _ => return None,
        })
    }

    pub fn chords(letter: char) -> Option<Stroke> {
        Some(match letter {
            '.' => Stroke::Rest,
            '-' => Stroke::Hold,
            'X' => Stroke::Accent,
            'x' => Stroke::Plain,
            'g' => Stroke::Muted,
            'o' => Stroke::Maybe,
            '0'..='7' => Stroke::Degree(letter as u8 - b'0'),
            _ => return None,
        })
    }
}

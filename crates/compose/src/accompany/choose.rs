//! Which style, and how fast the band counts: in the singer's quarters, twice or half as fast, or in dotted quarters.

use music::Meter;

use crate::{
    error::ComposeError, role::TICKS_PER_QUARTER, spec::Spec, style::Style, understand::Understanding, wishes::Mood,
};

/// What the band plays.
#[derive(Clone, PartialEq, Debug)]
pub struct Choice {
    pub style: Style,
    /// Whether somebody asked for the style.
    pub is_asked: bool,
    /// Of the band, in a quarter of the singer.
    pub ticks_per_quarter: u32,
    pub warning: Option<String>,
    bars: Bars,
}

/// How a style's patterns are fitted to the singer's bars.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bars {
    AsTheyAre,
    /// Patterns in four without their third beat.
    InThree,
    /// Beats of three eighths, two of the singer's bars in one of the band.
    Compound,
}

/// Ticks of a sung quarter where the beat is a dotted quarter.
pub const TICKS_OF_COMPOUND: u32 = TICKS_PER_QUARTER * 2 / 3;

/// What it costs, as the logarithm of a tempo ratio, to count otherwise than the singer, and to take a style that is further
/// down the list.
const OTHER_COUNT: f64 = 0.12;
const LATER: f64 = 0.07;

impl Choice {
    /// The style's patterns, fitted to the bars.
    pub fn spec(&self) -> Result<&'static Spec, ComposeError> {
        self.fitted(self.style)
    }

    /// Those of any style.
    pub fn fitted(&self, style: Style) -> Result<&'static Spec, ComposeError> {
        match self.bars {
            Bars::AsTheyAre => Spec::of(style),
            Bars::InThree => Spec::in_three(style),
            Bars::Compound => Spec::compound(style),
        }
    }
}

/// The style that was asked for, or one of those that go with the mood: whichever the tempo suits best.
pub fn style(asked: &Understanding, bpm: f64, meter: Meter) -> Choice {
    let four_four = meter == Meter::FourFour;
    let (wanted, warning) = match asked.style {
        Some(Style::Waltz) if four_four => {
            let told = "the melody has four beats in a bar, so that no waltz goes with it: the band plays folk";
            (Some(Style::Folk), Some(told.to_owned()))
        }
        style => (style, None),
    };
    let styles: &[Style] = match (&wanted, meter) {
        (Some(style), _) => std::slice::from_ref(style),
        (None, Meter::ThreeFour) => in_three(asked.mood),
        (None, _) => for_mood(asked.mood),
    };
    let mut best: Option<(f64, Style, (u32, Bars))> = None;
    for (place, style) in styles.iter().enumerate() {
        for (count, (ticks, bars)) in counts(*style, meter).iter().enumerate() {
            let off = off_tempo(*style, bpm * f64::from(*ticks) / f64::from(TICKS_PER_QUARTER));
            let cost = off + LATER * place as f64 + OTHER_COUNT * count as f64;
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, *style, (*ticks, *bars)));
            }
        }
    }
    let (_, style, (ticks_per_quarter, bars)) = best.unwrap_or((0.0, Style::Pop, (TICKS_PER_QUARTER, Bars::AsTheyAre)));
    Choice { style, is_asked: wanted.is_some() && warning.is_none(), ticks_per_quarter, warning, bars }
}

/// Ways to count a style in a meter, the plainest first.
fn counts(style: Style, meter: Meter) -> &'static [(u32, Bars)] {
    const PLAIN: u32 = TICKS_PER_QUARTER;
    match (meter, style) {
        (Meter::FourFour, _) => &[(PLAIN, Bars::AsTheyAre), (PLAIN / 2, Bars::AsTheyAre), (PLAIN * 2, Bars::AsTheyAre)],
        (Meter::ThreeFour, Style::Waltz) => &[(PLAIN, Bars::AsTheyAre)],
        (Meter::ThreeFour, _) => &[(PLAIN, Bars::InThree)],
        // The three eighths of a beat are the three beats of a bar.
        (Meter::SixEight, Style::Waltz) => &[(PLAIN * 2, Bars::AsTheyAre)],
        (Meter::SixEight, _) => &[(TICKS_OF_COMPOUND, Bars::Compound)],
    }
}

/// How far a tempo is outside of a style's, as the logarithm of the ratio.
fn off_tempo(style: Style, bpm: f64) -> f64 {
    let Ok(spec) = Spec::of(style) else { return f64::INFINITY };
    let (slowest, _, fastest) = spec.tempo;
    (slowest / bpm).ln().max((bpm / fastest).ln()).max(0.0)
}

const fn for_mood(mood: Option<Mood>) -> &'static [Style] {
    use Style::{Ballad, Cinematic, Country, Disco, Folk, Pop, Rock, Ska, Soul};
    match mood {
        None | Some(Mood::Happy) => &[Pop, Folk, Ballad],
        Some(Mood::Sad | Mood::Calm | Mood::Romantic) => &[Ballad, Folk, Soul],
        Some(Mood::Dark | Mood::Epic | Mood::Tense) => &[Cinematic, Rock, Ballad],
        Some(Mood::Dreamy) => &[Ballad, Soul, Folk],
        Some(Mood::Energetic) => &[Rock, Pop, Disco],
        Some(Mood::Playful) => &[Folk, Country, Ska],
    }
}

const fn in_three(mood: Option<Mood>) -> &'static [Style] {
    match mood {
        Some(Mood::Sad | Mood::Calm | Mood::Romantic | Mood::Dreamy | Mood::Dark) => {
            &[Style::Ballad, Style::Waltz, Style::Folk]
        }
        _ => &[Style::Waltz, Style::Folk, Style::Ballad],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::understand;

    #[test]
    fn tempo_and_mood_decide_where_nobody_says() {
        let of = |words: &str, bpm, meter| {
            let choice = style(&understand(words), bpm, meter);
            (choice.style, choice.ticks_per_quarter, choice.is_asked)
        };
        assert_eq!(of("", 112.0, Meter::FourFour), (Style::Pop, 480, false));
        assert_eq!(of("", 72.0, Meter::FourFour), (Style::Ballad, 480, false));
        assert_eq!(of("sad", 140.0, Meter::FourFour), (Style::Ballad, 240, false), "half as fast");
        assert_eq!(of("", 150.0, Meter::ThreeFour), (Style::Waltz, 480, false));
        assert_eq!(of("sad", 76.0, Meter::ThreeFour), (Style::Ballad, 480, false));
        assert_eq!(of("salsa", 92.0, Meter::FourFour), (Style::Salsa, 960, true), "twice as fast");
        assert_eq!(of("rock", 108.0, Meter::SixEight), (Style::Rock, 320, true));
        assert_eq!(of("waltz", 90.0, Meter::SixEight), (Style::Waltz, 960, true));
    }

    #[test]
    fn no_waltz_in_four() {
        let choice = style(&understand("waltz"), 100.0, Meter::FourFour);
        assert_eq!((choice.style, choice.is_asked), (Style::Folk, false));
        assert!(choice.warning.unwrap().contains("four beats"));
    }
}

//! How long a blend can be: what a request asks for is held against what its tempo leaves possible.
//!
//! A blend is in 3/4 or 4/4, as most of its songs are, and has the tempo that is nearest to them when none is asked for.
//! Neither is known before the songs are read, so only what no songs could make is refused here; `blend` has the last word.

use std::ops::RangeInclusive;

use super::{BlendLength, BlendRequest, MOST_SECONDS};
use crate::field::InvalidField;

/// Quarters in a bar of a blend.
const BEATS: RangeInclusive<u32> = 3..=4;
/// Seconds by which a length that is asked for may miss what can be made.
const TOLERANCE: f64 = 1.0;
/// How much slower the two quarters before the last bars are, and the last bars.
const SLOWING: [f64; 2] = [0.93, 0.85];

impl BlendRequest {
    /// Beats per minute of blends whose tempo was not asked for.
    pub const CHOSEN_BPM: RangeInclusive<f64> = 66.0..=149.0;
}

/// How long so many bars are, in seconds, with the slowing at their end. `beats` are quarters in a bar, and `bpm` quarters
/// per minute.
pub fn seconds(bars: u32, beats: u32, bpm: f64) -> f64 {
    let beats = f64::from(beats);
    let hold = if bars > 8 { 2.0 } else { 1.0 };
    let steady = (f64::from(bars) - hold) * beats - 2.0;
    (steady + 2.0 / SLOWING[0] + hold * beats / SLOWING[1]) * 60.0 / bpm
}

/// Refuses a length that no three songs could be blended to at this tempo; says what is possible.
pub(super) fn check(length: Option<BlendLength>, tempo_bpm: Option<f64>) -> Result<(), InvalidField> {
    match length {
        None => Ok(()),
        Some(BlendLength::Bars(bars)) => check_bars(bars, tempo_bpm),
        Some(BlendLength::Seconds(seconds)) => check_seconds(seconds, tempo_bpm),
    }
}

fn check_bars(asked: u32, tempo_bpm: Option<f64>) -> Result<(), InvalidField> {
    let fastest = tempo_bpm.unwrap_or(*BlendRequest::CHOSEN_BPM.end());
    let fits = |bars: u32| seconds(bars, *BEATS.start(), fastest) <= MOST_SECONDS;
    if fits(asked) {
        return Ok(());
    }
    let most = BlendRequest::BARS.rev().find(|bars| fits(*bars)).unwrap_or(*BlendRequest::BARS.start());
    let faster = (seconds(asked, *BEATS.start(), 1.0) / MOST_SECONDS).ceil();
    let detail = format!(
        "{asked} bars at {fastest} beats per minute last longer than {MOST_SECONDS} s, whatever the songs' meter: ask for at \
         most {most} bars, or for at least {faster} beats per minute"
    );
    Err(InvalidField { field: "bars", detail })
}

fn check_seconds(asked: f64, tempo_bpm: Option<f64>) -> Result<(), InvalidField> {
    let chosen = BlendRequest::CHOSEN_BPM;
    let (slowest, fastest) = tempo_bpm.map_or((*chosen.start(), *chosen.end()), |bpm| (bpm, bpm));
    let least = seconds(*BlendRequest::BARS.start(), *BEATS.start(), fastest);
    let most = seconds(*BlendRequest::BARS.end(), *BEATS.end(), slowest).min(MOST_SECONDS);
    if (least - TOLERANCE..=most + TOLERANCE).contains(&asked) {
        return Ok(());
    }
    let at = match tempo_bpm {
        Some(bpm) => format!("at {bpm} beats per minute"),
        None => "at a tempo that suits the songs".to_owned(),
    };
    let detail = format!(
        "{asked} s: {at} a blend of {} to {} bars lasts from {:.0} to {:.0} s; ask for such a length, or for another tempo",
        BlendRequest::BARS.start(),
        BlendRequest::BARS.end(),
        least.ceil(),
        most.floor(),
    );
    Err(InvalidField { field: "seconds", detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_is(length: BlendLength, tempo_bpm: Option<f64>, says: Option<&[&str]>) {
        let refused = check(Some(length), tempo_bpm).err();
        match (refused, says) {
            (None, None) => {}
            (Some(refused), Some(says)) => {
                assert!(says.iter().all(|part| refused.to_string().contains(part)), "{refused}");
            }
            (refused, _) => panic!("{length:?} at {tempo_bpm:?}: {refused:?}"),
        }
    }

    #[test]
    fn what_no_songs_could_make_is_refused_with_what_is_possible() {
        use BlendLength::{Bars, Seconds};
        check_is(Seconds(700.0), Some(240.0), Some(&["700 s", "240 beats per minute", "from 7 to 400 s"]));
        check_is(Bars(400), Some(60.0), Some(&["400 bars", "at most 239 bars", "at least 101 beats per minute"]));
        check_is(Seconds(4.0), None, Some(&["from 10 to 720 s"]));
        check_is(Seconds(8.0), Some(40.0), Some(&["from 38 to 720 s"]));
        // In three they fit, in four they do not: the songs decide.
        check_is(Bars(400), Some(120.0), None);
        check_is(Bars(239), Some(60.0), None);
        check_is(Seconds(720.0), Some(40.0), None);
        check_is(Seconds(720.0), None, None);
        check_is(Bars(400), None, None);
        check_is(Bars(8), Some(240.0), None);
        assert_eq!(check(None, Some(40.0)), Ok(()));
    }

    #[test]
    fn what_is_said_to_be_possible_is() {
        for bpm in 40..=240 {
            let bpm = f64::from(bpm);
            let refused = check_bars(400, Some(bpm));
            let Err(InvalidField { detail, .. }) = refused else { continue };
            let numbers: Vec<u32> = detail.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [most, faster] = numbers[numbers.len() - 2..] else { panic!("{detail}") };
            assert!(check_bars(most, Some(bpm)).is_ok() && check_bars(most + 1, Some(bpm)).is_err(), "{detail}");
            assert!(check_bars(400, Some(f64::from(faster))).is_ok(), "{detail}");
            assert!(check_bars(400, Some(f64::from(faster - 1))).is_err(), "{detail}");
        }
    }
}
